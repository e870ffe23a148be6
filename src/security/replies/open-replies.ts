// A requester's way in: bytes off its inbox -> replies that a node of its cell
// signed. Whether they belong to a request of its own is the reply stream's to say.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { Certificate } from "../trust/certificate.ts";
import type { Capsule, ReplyPart } from "../wire/capsule.ts";
import { decodeCapsule } from "../wire/decode-capsule.ts";
import { decodeEnvelope } from "../wire/envelope.ts";
import { type VerifiedRoots, verifyEnvelope } from "../wire/verify-envelope.ts";
import { fromWireError } from "./wire-error.ts";

export type ReplyTrust = {
  readonly genesisHash: Uint8Array;
  readonly trust: { byKey(key: Uint8Array, nowUnixMs: number): Result<Certificate, CellError> };
  readonly roots?: VerifiedRoots;
};

export type OpenedReply = {
  readonly requestId: Uint8Array;
  readonly requestHash: Uint8Array;
  readonly index: number;
  readonly final: boolean;
  readonly payload: Uint8Array;
  readonly contentType: string;
  /** Set when the request was refused or failed. */
  readonly error: CellError | undefined;
  /** Copies of the request that the error refuses, none of which was begun; 0: it is the answer to all. */
  readonly turnedAway: number;
  /** Node that signed it, and actor that answered; empty when the node itself did. */
  readonly node: string;
  readonly actor: string;
  readonly capsule: Capsule;
};

/**
 * @param subject inbox that the message came to; it must be the signed target
 * @returns every reply of the envelope, in order, or one error for all
 */
export function openReplies(
  data: Uint8Array,
  subject: string,
  { genesisHash, trust, roots }: ReplyTrust,
  nowUnixMs: number,
): Result<readonly OpenedReply[], CellError> {
  const envelope = decodeEnvelope(data);
  if (!envelope.ok) return envelope;
  const signer = trust.byKey(envelope.value.issuer, nowUnixMs);
  if (!signer.ok) return signer;
  if (signer.value.kind !== "node") return unbound("it was not signed by a node");
  const verified = verifyEnvelope(envelope.value, genesisHash, roots);
  if (!verified.ok) return verified;
  const opened: OpenedReply[] = [];
  for (const { bytes } of verified.value) {
    const capsule = decodeCapsule(bytes);
    if (!capsule.ok) return capsule;
    const { reply, target } = capsule.value;
    if (reply === undefined) return unbound("it is an intent");
    if (target !== subject) return unbound("it was made for another inbox");
    opened.push(describe(capsule.value, reply, signer.value.principal));
  }
  return ok(opened);
}

const describe = (capsule: Capsule, reply: ReplyPart, node: string): OpenedReply => ({
  requestId: reply.requestId,
  requestHash: reply.requestHash,
  index: reply.index,
  final: reply.final,
  payload: capsule.payload,
  contentType: capsule.contentType,
  error: reply.error === undefined ? undefined : fromWireError(reply.error),
  turnedAway: reply.turnedAway,
  node,
  actor: capsule.source?.actor ?? "",
  capsule,
});

const unbound = (why: string) =>
  err(new CellError("CAPSULE_REPLY_UNBOUND", `the reply does not belong here: ${why}`));
