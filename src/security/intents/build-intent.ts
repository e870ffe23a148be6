// An intent as a capsule, for clients and for actors that send: fills in ids,
// times and the chain of causes, and takes one off the hop limit.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { fromHex, sha256 } from "../bytes.ts";
import type { CapsuleMaker } from "../replies/build-reply.ts";
import { MAX_HOPS, type Source } from "../wire/capsule.ts";
import { encodeCapsule } from "../wire/encode-capsule.ts";
import type { PriorityName } from "../wire/priority.ts";

/** The intent in hand when this one was sent; ids in hex. */
export type Cause = { readonly id: string; readonly rootId: string; readonly hopLimit: number };

export type IntentDraft = {
  readonly target: string;
  readonly intent: string;
  readonly payload: Uint8Array;
  readonly contentType: string;
  readonly deadlineUnixMs: number;
  /** Below the sender's own inbox prefix; empty: no reply wanted. */
  readonly replyInbox: string;
  /** Default normal. */
  readonly priority?: PriorityName;
  /** Default 0. */
  readonly epoch?: number;
  /** Chain of capability tokens; default: none. */
  readonly capability?: Uint8Array;
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly cause?: Cause | undefined;
  /** Set by a node, for the actor that sends; never by a client. */
  readonly source?: Source | undefined;
  /** Of a root intent; default 64, the most. */
  readonly hopLimit?: number;
};

export type BuiltIntent = {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes: what its replies bind to. */
  readonly hash: Uint8Array;
};

/** CAPSULE_HOPS_EXHAUSTED when the cause may cause no more; otherwise what encodeCapsule refuses. */
export function buildIntent(
  draft: IntentDraft,
  { nextId, tick }: CapsuleMaker,
): Result<BuiltIntent, CellError> {
  const { cause } = draft;
  if (cause !== undefined && cause.hopLimit < 1) return err(new CellError("CAPSULE_HOPS_EXHAUSTED"));
  const id = nextId();
  const encoded = encodeCapsule({
    id,
    rootId: cause === undefined ? id : (fromHex(cause.rootId) ?? new Uint8Array()),
    causeId: cause === undefined ? new Uint8Array() : (fromHex(cause.id) ?? new Uint8Array()),
    hopLimit: cause === undefined ? (draft.hopLimit ?? MAX_HOPS) : cause.hopLimit - 1,
    target: draft.target,
    intent: draft.intent,
    contentType: draft.contentType,
    payload: draft.payload,
    issuedAt: tick(),
    deadlineUnixMs: Math.trunc(draft.deadlineUnixMs),
    priority: draft.priority ?? "normal",
    epoch: draft.epoch ?? 0,
    capability: draft.capability ?? new Uint8Array(),
    traceparent: draft.traceparent ?? "",
    tracestate: draft.tracestate ?? "",
    replyInbox: draft.replyInbox,
    source: draft.source,
    reply: undefined,
  });
  return encoded.ok ? ok({ id, bytes: encoded.value, hash: sha256(encoded.value) }) : encoded;
}
