// A reply as a capsule: bound to its request by id and hash, addressed to the
// inbox that the request named. It is signed like any other capsule.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { RequestRef } from "../intake/verdict.ts";
import type { HybridTime, Source } from "../wire/capsule.ts";
import { encodeCapsule } from "../wire/encode-capsule.ts";
import { toWireError } from "./wire-error.ts";

export type ReplyContent =
  | {
      readonly kind: "value";
      readonly payload: Uint8Array;
      readonly contentType: string;
      /** Whether nothing follows. */
      readonly final: boolean;
    }
  /** Always the last one. */
  | {
      readonly kind: "error";
      readonly error: CellError;
      /** Copies of the request that it refuses, none of which was begun; absent: it is the answer to all. */
      readonly turnedAway?: number;
    };

/** Where ids and times come from. */
export type CapsuleMaker = { readonly nextId: () => Uint8Array; readonly tick: () => HybridTime };

export type ReplyAddress = {
  /** Checked to be the requester's own. */
  readonly inbox: string;
  /** Position in the stream of replies, from 0. */
  readonly index: number;
  /** Actor that answers; undefined when the node itself does. */
  readonly source?: Source | undefined;
};

/** Capsule bytes; CAPSULE_PAYLOAD_TOO_LARGE when the value does not fit, which is then to be answered with that error. */
export function buildReply(
  request: RequestRef,
  content: ReplyContent,
  { inbox, index, source }: ReplyAddress,
  { nextId, tick }: CapsuleMaker,
): Result<Uint8Array, CellError> {
  const id = nextId();
  const issuedAt = tick();
  const read = request.id.length > 0;
  const value = content.kind === "value" ? content : undefined;
  return encodeCapsule({
    id,
    rootId: read ? request.rootId : id,
    causeId: read ? request.id : new Uint8Array(),
    hopLimit: 0,
    target: inbox,
    intent: request.intent,
    contentType: value?.contentType ?? "",
    payload: value?.payload ?? new Uint8Array(),
    issuedAt,
    deadlineUnixMs: request.deadlineUnixMs === 0 ? issuedAt.unixMs : request.deadlineUnixMs,
    priority: request.priority,
    epoch: 0,
    capability: new Uint8Array(),
    traceparent: request.traceparent,
    tracestate: "",
    replyInbox: "",
    source,
    reply: {
      requestId: request.id,
      requestHash: request.hash,
      index,
      final: value?.final ?? true,
      error: content.kind === "error" ? toWireError(content.error) : undefined,
      turnedAway: content.kind === "error" ? (content.turnedAway ?? 0) : 0,
    },
  });
}
