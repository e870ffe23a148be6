// A judged capsule in the forms that others take: the intent for its actor, and
// the reference that a reply binds to.
import { copyOf, sha256, toHex } from "../bytes.ts";
import type { Capsule } from "../wire/capsule.ts";
import type { AcceptedIntent, RequestRef } from "./verdict.ts";

/** Intent type in the reply to a request that could not be read. */
export const UNREADABLE_INTENT = "unreadable";

/** @param kept a copy of the bytes that the capsule was decoded from; the payload is then a part of it */
export function acceptedIntent(
  capsule: Capsule,
  hash: Uint8Array,
  principal: string,
  kept?: { readonly of: Uint8Array; readonly copy: Uint8Array },
): AcceptedIntent {
  const id = toHex(capsule.id);
  return {
    id,
    rootId: isRoot(capsule) ? id : toHex(capsule.rootId),
    causeId: toHex(capsule.causeId),
    hash: toHex(hash),
    type: capsule.intent,
    principal,
    source: capsule.source?.actor ?? "",
    epoch: capsule.epoch,
    target: capsule.target,
    contentType: capsule.contentType,
    payload: (kept && within(capsule.payload, kept.of, kept.copy)) ?? copyOf(capsule.payload),
    issuedAtUnixMs: capsule.issuedAt.unixMs,
    deadlineUnixMs: capsule.deadlineUnixMs,
    priority: capsule.priority,
    hopLimit: capsule.hopLimit,
    traceparent: capsule.traceparent,
    wantsReply: capsule.replyInbox !== "",
  };
}

/** Then its root's id is its own, as the decoder has seen to. */
const isRoot = ({ causeId }: Capsule): boolean => causeId.length === 0;

/** The part of a copy that is what `part` is of the original; undefined when `part` is no part of it. */
function within(part: Uint8Array, original: Uint8Array, copy: Uint8Array): Uint8Array | undefined {
  const at = part.byteOffset - original.byteOffset;
  const isPart = part.buffer === original.buffer && at >= 0 && at + part.length <= original.length;
  return isPart ? copy.subarray(at, at + part.length) : undefined;
}

/**
 * @param issuer not copied
 * @param capsule undefined when its bytes could not be read
 * @param hash of the bytes, when it is known
 */
export function requestOf(
  issuer: Uint8Array,
  bytes: Uint8Array,
  capsule: Capsule | undefined,
  hash: Uint8Array = sha256(bytes),
): RequestRef {
  if (capsule === undefined) return { ...unreadRequest(bytes), issuer };
  const id = copyOf(capsule.id);
  return {
    issuer,
    id,
    rootId: isRoot(capsule) ? id : copyOf(capsule.rootId),
    hash,
    intent: capsule.intent,
    deadlineUnixMs: capsule.deadlineUnixMs,
    priority: capsule.priority,
    traceparent: capsule.traceparent,
  };
}

export function unreadRequest(data: Uint8Array): RequestRef {
  return {
    issuer: new Uint8Array(),
    id: new Uint8Array(),
    rootId: new Uint8Array(),
    hash: sha256(data),
    intent: UNREADABLE_INTENT,
    deadlineUnixMs: 0,
    priority: "normal",
    traceparent: "",
  };
}
