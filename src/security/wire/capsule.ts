// An intent capsule as plain data, and the bounds of its fields. What this file
// allows is what encode and decode allow; nothing else makes or reads capsules.
import type { PriorityName } from "./priority.ts";

export const ID_BYTES = 16;
export const MAX_PAYLOAD_BYTES = 64 * 1024;
/** A chain of capability tokens. */
export const MAX_CAPABILITY_BYTES = 12 * 1024;
/** Payload and everything around it. */
export const MAX_CAPSULE_BYTES = 80 * 1024;
export const MAX_HOPS = 64;
export const MAX_CONTENT_TYPE_BYTES = 128;
export const MAX_TRACESTATE_BYTES = 512;
export const MAX_ERROR_CODE_LENGTH = 64;
/** UTF-16 units of an error's message and remedy. */
export const MAX_ERROR_TEXT_LENGTH = 1024;
export const MAX_REPLY_INDEX = 0xffff_ffff;

/** Physical milliseconds, then a counter within them. */
export type HybridTime = { readonly unixMs: number; readonly counter: number };

export type Incarnation = { readonly term: number; readonly activation: number };

/** The sending actor. */
export type Source = {
  readonly actor: string;
  readonly incarnation: Incarnation | undefined;
  readonly sequence: number;
};

/** A coded error as it travels. */
export type WireError = {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly retryable: boolean;
  /** 0: the receiver's own backoff. */
  readonly retryAfterMs: number;
};

export type ReplyPart = {
  /** 16 bytes; empty only beside an error, when the request could not be read that far. */
  readonly requestId: Uint8Array;
  /** SHA-256 of the request's capsule bytes; of the whole message when no capsule could be read. */
  readonly requestHash: Uint8Array;
  readonly index: number;
  readonly final: boolean;
  readonly error: WireError | undefined;
  /** Copies of the request that are refused, not begun; 0 where the answer holds for every copy, and without an error. */
  readonly turnedAway: number;
};

export type Capsule = {
  readonly id: Uint8Array;
  /** Its own id at the root. */
  readonly rootId: Uint8Array;
  /** Empty at the root. */
  readonly causeId: Uint8Array;
  readonly hopLimit: number;
  /** Path of an actor; for a reply the inbox it is published to. */
  readonly target: string;
  readonly intent: string;
  readonly contentType: string;
  readonly payload: Uint8Array;
  readonly issuedAt: HybridTime;
  readonly deadlineUnixMs: number;
  readonly priority: PriorityName;
  readonly epoch: number;
  /** Chain of capability tokens that this intent rests on; empty: on what its issuer is granted. */
  readonly capability: Uint8Array;
  /** W3C; empty: none. */
  readonly traceparent: string;
  readonly tracestate: string;
  /** Empty: no reply wanted. */
  readonly replyInbox: string;
  readonly source: Source | undefined;
  readonly reply: ReplyPart | undefined;
};
