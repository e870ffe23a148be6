// An intent as an actor's host sees it: already verified, authorised and decoded.
import type { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import type { AcceptedIntent } from "../security/intake/verdict.ts";
import type { PriorityName } from "../security/wire/priority.ts";
import type { Journaled } from "./durable/ports.ts";

export type { PriorityName };

/** As intake judged it; ids and hash in hex. */
export type ReceivedIntent = AcceptedIntent;

/** Names an intent without carrying its payload; plain JSON. */
export type IntentRef = Pick<
  AcceptedIntent,
  "id" | "rootId" | "causeId" | "hash" | "type" | "principal" | "source" | "epoch"
>;

export type OutgoingReply =
  | { readonly kind: "value"; readonly value: unknown; readonly final: boolean }
  /** `begun: false`: the actor never had it in hand, so that the same capsule may come again. */
  | { readonly kind: "error"; readonly error: CellError; readonly begun?: false };

export type Delivery = {
  readonly intent: ReceivedIntent;
  /** The capsule's bytes as they came; absent when they are not kept. */
  readonly capsule?: Uint8Array;
  /** Where it stands in the journal; set for durable actors, and for them only. */
  readonly journaled?: Journaled;
  /** Sends one reply; after a final one or an error it does nothing. Never throws. */
  respond(reply: OutgoingReply): void;
  /**
   * Makes an only, final answer ready while whoever gives it still waits for its commit; what it
   * returns gives it, in place of `respond`. Undefined, or absent: there is nothing to make ready.
   */
  readonly prepare?: (reply: OutgoingReply) => (() => void) | undefined;
};

/** An intent that an actor sends. */
export type OutgoingIntent = {
  readonly target: string;
  readonly intent: string;
  /** JSON. */
  readonly payload: unknown;
  /** Chain of capability tokens that it rests on alone, base64url; absent: it rests on what the actor is granted. */
  readonly capability?: string;
  /** The intent in hand when it was sent. */
  readonly cause: ReceivedIntent | undefined;
  readonly priority: PriorityName;
  /** Milliseconds from now; every request has a deadline. */
  readonly timeoutMs: number;
  /** Called for each reply, at the latest with ACTOR_DEADLINE_EXCEEDED; absent: no reply wanted. */
  readonly onReply?: (reply: Result<{ readonly value: unknown; readonly final: boolean }, CellError>) => void;
};
