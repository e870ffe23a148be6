// What intake says of one capsule. Whoever delivers, answers and records needs
// nothing but this.
import type { CellError } from "../../errors/cell-error.ts";
import type { StoredReplies } from "../replay/replay-window.ts";
import type { PriorityName } from "../wire/priority.ts";
import type { Signed } from "../wire/verify-envelope.ts";
import type { CountedUse } from "./authority.ts";

/** Where a message can be refused, in the order in which it is judged; before that it may find no room to wait. */
export const STAGES = [
  "room",
  "size",
  "subject",
  "decode",
  "issuer",
  "target",
  "inbox",
  "freshness",
  "signature",
  "authority",
  "replay",
  "internal",
] as const;
export type Stage = (typeof STAGES)[number];

/** A verified, authorised intent as plain data; ids and hash in hex. */
export type AcceptedIntent = {
  readonly id: string;
  readonly rootId: string;
  /** Empty at the root. */
  readonly causeId: string;
  /** SHA-256 of the capsule's bytes. */
  readonly hash: string;
  readonly type: string;
  readonly principal: string;
  /** Path of the sending actor; empty for a client. */
  readonly source: string;
  readonly epoch: number;
  readonly target: string;
  readonly contentType: string;
  readonly payload: Uint8Array;
  readonly issuedAtUnixMs: number;
  readonly deadlineUnixMs: number;
  readonly priority: PriorityName;
  readonly hopLimit: number;
  readonly traceparent: string;
  readonly wantsReply: boolean;
};

/** All that a reply needs to know of its request. */
export type RequestRef = {
  /** Key that signed it; empty in a refusal, so that what answers it is never stored as the reply to another's capsule. */
  readonly issuer: Uint8Array;
  /** Empty when the request could not be read that far. */
  readonly id: Uint8Array;
  readonly rootId: Uint8Array;
  /** SHA-256 of the capsule's bytes; of the whole message when no capsule could be read. */
  readonly hash: Uint8Array;
  readonly intent: string;
  /** 0 when it is not known. */
  readonly deadlineUnixMs: number;
  readonly priority: PriorityName;
  readonly traceparent: string;
};

export type Accepted = {
  readonly kind: "accepted";
  readonly intent: AcceptedIntent;
  readonly request: RequestRef;
  /** The capsule's bytes as they came; the intent's payload is a part of them. */
  readonly capsule: Uint8Array;
  /** Place of the send among its actor's, when a durable one sent it. */
  readonly sourceSequence?: number;
  /** Inbox of the issuer, checked; undefined: no reply wanted. */
  readonly replyTo: string | undefined;
  /** What allowed it, for the record. */
  readonly authority: string;
  /** Hash of a token that serves once, to be spent before the intent is begun. */
  readonly once?: Uint8Array;
  /** Under what it is to be counted before it is begun. */
  readonly counted?: CountedUse;
};

/** Accepted before, and not to be begun again: the stored replies are to be sent again. */
export type Duplicate = StoredReplies & {
  readonly kind: "duplicate";
  readonly principal: string;
  readonly target: string;
  readonly request: RequestRef;
  readonly replyTo: string | undefined;
};

export type Refused = {
  readonly kind: "refused";
  readonly stage: Stage;
  readonly error: CellError;
  /** By the subject, which the broker vouches for; empty when the subject is not an intent's. */
  readonly principal: string;
  readonly target: string;
  readonly request: RequestRef;
  /** As the capsule has it; undefined: it could not be read so far. */
  readonly epoch?: number;
  /** Hash of the capability token that came with it, whatever that is worth. */
  readonly token?: Uint8Array;
  /** Path of the sending actor, as the capsule has it; absent for a client, and where it could not be read. */
  readonly source?: string;
  /** An inbox of the subject's principal; undefined: nobody may be answered. */
  readonly replyTo: string | undefined;
};

/** Another node's: it hears the same message and judges it. Nothing is to be answered. */
export type Elsewhere = { readonly kind: "elsewhere"; readonly node: string };

/** A signature that the quick verifier refuses and the cell's rule may admit. */
export type Doubt = {
  readonly principal: string;
  readonly signed: Signed;
  /** Of the whole message, which waits for the answer. */
  readonly bytes: number;
};

/** What the full verifier says of one; undecided: it could not be asked. */
export type Opinion = "valid" | "invalid" | "undecided";

export type Verdict = Accepted | Duplicate | Refused | Elsewhere;
