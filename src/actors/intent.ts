// An intent as an actor's host sees it: already verified, authorised and decoded.
import type { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";

export type PriorityName = "critical" | "high" | "normal" | "low";

/** Names an intent without carrying its payload; plain JSON. */
export type IntentRef = {
  /** Hex. */
  readonly id: string;
  readonly rootId: string;
  /** Empty at the root. */
  readonly causeId: string;
  /** SHA-256 of the capsule's bytes, hex. */
  readonly hash: string;
  readonly type: string;
  readonly principal: string;
  /** Path of the sending actor; empty for a client. */
  readonly source: string;
  readonly epoch: number;
};

export type ReceivedIntent = IntentRef & {
  readonly target: string;
  readonly contentType: string;
  readonly payload: Uint8Array;
  readonly issuedAtUnixMs: number;
  readonly deadlineUnixMs: number;
  readonly priority: PriorityName;
  /** How many further sends it may cause. */
  readonly hopLimit: number;
  readonly traceparent: string;
  readonly wantsReply: boolean;
};

export type OutgoingReply =
  | { readonly kind: "value"; readonly value: unknown; readonly final: boolean }
  | { readonly kind: "error"; readonly error: CellError };

export type Delivery = {
  readonly intent: ReceivedIntent;
  /** Sends one reply; after a final one or an error it does nothing. Never throws. */
  respond(reply: OutgoingReply): void;
};

/** An intent that an actor sends. */
export type OutgoingIntent = {
  readonly target: string;
  readonly intent: string;
  /** JSON. */
  readonly payload: unknown;
  /** The intent in hand when it was sent. */
  readonly cause: ReceivedIntent | undefined;
  readonly priority: PriorityName;
  /** Milliseconds from now; every request has a deadline. */
  readonly timeoutMs: number;
  /** Called for each reply, at the latest with ACTOR_DEADLINE_EXCEEDED; absent: no reply wanted. */
  readonly onReply?: (reply: Result<{ readonly value: unknown; readonly final: boolean }, CellError>) => void;
};
