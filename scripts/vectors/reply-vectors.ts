// Replies to one request as they come off its inbox, for those who write clients: what to take, and what to
// refuse with which code.

import { create, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../src/errors/cell-error.ts";
import { SignedCertificateSchema } from "../../src/gen/cell0/v1/trust_pb.ts";
import { sha256, toHex } from "../../src/security/bytes.ts";
import type { RequestRef } from "../../src/security/intake/verdict.ts";
import { buildReply, type ReplyContent } from "../../src/security/replies/build-reply.ts";
import {
  type CertificateClaims,
  certificateBody,
  issueCertificate,
} from "../../src/security/trust/certificate.ts";
import type { Continuity } from "../../src/security/trust/continuity.ts";
import { agree, successorClaims } from "../../src/security/trust/succession.ts";
import { sealBatch, sealOne } from "../../src/security/wire/seal.ts";
import { certificateInput } from "../../src/security/wire/signing-input.ts";
import * as cell from "../../test/security/cell-fixture.ts";
import { changed, idOf, utf8 } from "./bytes.ts";

const { keys, NOW, INBOX, must } = cell;
const request = cell.bytesOf({ id: idOf(1), rootId: idOf(1) });
const sent = sealOne(request, cell.sealingOf(keys.ann));
const node = cell.sealingOf(keys.nodeA);

/** Nodes that count no more: withdrawn in their second generation, or at their end. */
const withdrawn = { key: cell.keyOf(8), principal: "c" };
const expired = { key: cell.keyOf(9), principal: "d" };

/** Nodes of which a key follows another: while both count, once the time is over, dated ahead, and by a proof that is none. */
const rotated = { before: cell.keyOf(10), after: cell.keyOf(11) };
const over = { before: cell.keyOf(12), after: cell.keyOf(13) };
const ahead = { before: cell.keyOf(16), after: cell.keyOf(17) };
const unproven = { before: cell.keyOf(14), after: cell.keyOf(15) };

/** Of certificates whose continuity is none, by its form: what they name is nobody's. */
const first = { before: cell.keyOf(20), after: cell.keyOf(21) };
const itself = { before: cell.keyOf(22), after: cell.keyOf(22) };

function rotation(
  principal: string,
  { before, after }: typeof rotated,
  until: number,
  by = before,
  issuedUnixMs = NOW - 1_000,
) {
  const first = cell.certify({ kind: "node", principal, key: before.publicKey });
  const preserve = { issuedUnixMs, preserveUntilUnixMs: until };
  const claims = successorClaims(first, after.publicKey, preserve);
  const { hash } = cell.genesis;
  return [first, must(issueCertificate(claims, keys.issuer, hash, agree(claims, by, hash)))] as const;
}

/** With the code that each is refused with; what was known before counts on. */
export function refusedCertificates() {
  const [, forged] = rotation("g", unproven, NOW + 60_000, unproven.after);
  const day = 24 * 60 * 60 * 1000;
  const malformed = [
    odd("g", unproven, { preserveUntilUnixMs: NOW - 1_000 + day + 1 }),
    odd("g", unproven, { preserveUntilUnixMs: NOW - 1_001 }),
    odd("g", unproven, { previous: new Uint8Array(31) }),
    odd("g", unproven, {}, { revoked: true }),
    odd("j", first, {}, { generation: 1 }),
    odd("k", itself),
  ];
  return [
    { certificate: toHex(forged.bytes), code: "AUTHORITY_CONTINUITY_INVALID" },
    ...malformed.map((bytes) => ({ certificate: toHex(bytes), code: "AUTHORITY_CERTIFICATE_INVALID" })),
  ];
}

/** Signed by all that have to, whatever it says. */
function odd(
  principal: string,
  { before, after }: typeof rotated,
  more: Partial<Continuity> = {},
  claimed: Partial<CertificateClaims> = {},
): Uint8Array {
  const known = cell.certify({ kind: "node", principal, key: before.publicKey });
  const time = { issuedUnixMs: NOW - 1_000, preserveUntilUnixMs: NOW + 60_000 };
  const { continuity, ...rest } = successorClaims(known, after.publicKey, time);
  if (continuity === undefined) throw new Error("it follows nothing");
  const claims = { ...rest, ...claimed, continuity: { ...continuity, ...more } };
  const { hash } = cell.genesis;
  const body = certificateBody(claims);
  return toBinary(
    SignedCertificateSchema,
    create(SignedCertificateSchema, {
      body,
      signer: keys.issuer.publicKey,
      signature: keys.issuer.sign(certificateInput(hash, body)),
      continuitySignature: agree(claims, before, hash),
    }),
  );
}

export const moreCertificates = () => {
  const claims = { kind: "node", key: withdrawn.key.publicKey, principal: withdrawn.principal } as const;
  return [
    cell.certify(claims),
    cell.certify({ ...claims, generation: 2, revoked: true }),
    cell.certify({
      kind: "node",
      key: expired.key.publicKey,
      principal: expired.principal,
      notAfterUnixMs: NOW,
    }),
    ...rotation("e", rotated, NOW + 60_000),
    ...rotation("f", over, NOW),
    ...rotation("h", ahead, NOW + 3_600_000, ahead.before, NOW + 60_001),
    rotation("g", unproven, NOW)[0],
  ];
};

const value = (text: string, final = true): ReplyContent => ({
  kind: "value",
  payload: utf8(text),
  contentType: "application/json",
  final,
});

type Part = {
  readonly content?: ReplyContent;
  readonly ref?: Partial<RequestRef>;
  readonly inbox?: string;
  readonly index?: number;
};

function replyBytes({
  content = value('{"ticket":7}'),
  ref = {},
  inbox = INBOX,
  index = 0,
}: Part = {}): Uint8Array {
  const answered: RequestRef = {
    issuer: keys.ann.publicKey,
    id: idOf(1),
    rootId: idOf(1),
    hash: sha256(request),
    intent: "ticket.open",
    deadlineUnixMs: NOW + 5_000,
    priority: "normal",
    traceparent: "",
    ...ref,
  };
  const maker = { nextId: () => idOf(99), tick: () => ({ unixMs: NOW + 1, counter: 0 }) };
  return must(buildReply(answered, content, { inbox, index }, maker));
}

type Outcome =
  | { readonly payload: string }
  /** A refusal that the node signed. */
  | { readonly error: string }
  /** What the client refuses the message with. */
  | { readonly code: string };

const vector = (name: string, message: Uint8Array, outcome: Outcome) => ({
  name,
  request: toHex(request),
  sent: toHex(sent),
  inbox: INBOX,
  message: toHex(message),
  ...outcome,
});

function taken() {
  const refusal: ReplyContent = { kind: "error", error: new CellError("ACTOR_NOT_FOUND"), turnedAway: 1 };
  const unread = { id: new Uint8Array(), rootId: new Uint8Array(), hash: sha256(sent), deadlineUnixMs: 0 };
  const [, second = new Uint8Array()] = sealBatch(
    [[replyBytes({ index: 7 })], [replyBytes()], [replyBytes({ index: 8 })]],
    node,
    42n,
  );
  return [
    vector("a value", sealOne(replyBytes(), node), { payload: '{"ticket":7}' }),
    vector("a value of many", sealOne(replyBytes({ content: value("1", false) }), node), { payload: "1" }),
    vector("the second of a batch of three", second, { payload: '{"ticket":7}' }),
    ...Object.entries(rotated).map(([which, key]) =>
      vector(
        `signed by a node's key ${which} a rotation, while both count`,
        sealOne(replyBytes(), cell.sealingOf(key)),
        {
          payload: '{"ticket":7}',
        },
      ),
    ),
    vector(
      "signed by a node's key that no valid proof ends",
      sealOne(replyBytes(), cell.sealingOf(unproven.before)),
      {
        payload: '{"ticket":7}',
      },
    ),
    vector("a refusal", sealOne(replyBytes({ content: refusal }), node), { error: "ACTOR_NOT_FOUND" }),
    vector(
      "a refusal of a message that could not be read",
      sealOne(replyBytes({ content: refusal, ref: unread }), node),
      { error: "ACTOR_NOT_FOUND" },
    ),
    vector(
      "a refusal after replies that did not come",
      sealOne(replyBytes({ content: refusal, index: 3 }), node),
      { error: "ACTOR_NOT_FOUND" },
    ),
  ];
}

function refused() {
  const one = sealOne(replyBytes(), node);
  const [, batch = new Uint8Array()] = sealBatch([[replyBytes({ index: 7 })], [replyBytes()]], node, 42n);
  const signature = "CAPSULE_SIGNATURE_INVALID";
  const unbound = "CAPSULE_REPLY_UNBOUND";
  return [
    vector("no envelope", one.slice(0, -1), { code: "CAPSULE_MALFORMED" }),
    vector("a changed signature", changed(one, -1), { code: signature }),
    vector("a changed Merkle path", changed(batch, -1), { code: "CAPSULE_PROOF_INVALID" }),
    vector("of another cell", sealOne(replyBytes(), { ...node, genesisHash: new Uint8Array(32) }), {
      code: signature,
    }),
    vector("signed by a stranger", sealOne(replyBytes(), cell.sealingOf(keys.stranger)), {
      code: "AUTHORITY_ISSUER_UNKNOWN",
    }),
    vector("signed by a node that was withdrawn", sealOne(replyBytes(), cell.sealingOf(withdrawn.key)), {
      code: "AUTHORITY_REVOKED",
    }),
    vector(
      "signed by a node whose certificate has ended",
      sealOne(replyBytes(), cell.sealingOf(expired.key)),
      { code: "AUTHORITY_CERTIFICATE_EXPIRED" },
    ),
    ...Object.entries(ahead).map(([which, key]) =>
      vector(
        `signed by a node's key ${which} a rotation that is dated ahead`,
        sealOne(replyBytes(), cell.sealingOf(key)),
        { code: "AUTHORITY_CERTIFICATE_NOT_YET_VALID" },
      ),
    ),
    vector(
      "signed by a node's key before a rotation, after its time",
      sealOne(replyBytes(), cell.sealingOf(over.before)),
      {
        code: "AUTHORITY_ISSUER_UNKNOWN",
      },
    ),
    vector(
      "signed by a node's key that follows another without its word",
      sealOne(replyBytes(), cell.sealingOf(unproven.after)),
      {
        code: "AUTHORITY_ISSUER_UNKNOWN",
      },
    ),
    vector(
      "signed by a key that follows one in a first generation",
      sealOne(replyBytes(), cell.sealingOf(first.after)),
      { code: "AUTHORITY_ISSUER_UNKNOWN" },
    ),
    vector("signed by a key that follows itself", sealOne(replyBytes(), cell.sealingOf(itself.after)), {
      code: "AUTHORITY_ISSUER_UNKNOWN",
    }),
    vector("signed by a client", sealOne(replyBytes(), cell.sealingOf(keys.bob)), { code: unbound }),
    vector("signed by an issuer", sealOne(replyBytes(), cell.sealingOf(keys.issuer)), { code: unbound }),
    vector("an intent", sealOne(request, node), { code: unbound }),
    vector("for another inbox", sealOne(replyBytes({ inbox: `${INBOX}0` }), node), { code: unbound }),
    vector("to another request", sealOne(replyBytes({ ref: { id: idOf(2) } }), node), { code: unbound }),
    vector("to other bytes under the same id", sealOne(replyBytes({ ref: { hash: sha256(sent) } }), node), {
      code: unbound,
    }),
    vector("the second of many, before the first", sealOne(replyBytes({ index: 1 }), node), {
      code: "CAPSULE_REPLY_GAP",
    }),
  ];
}

/** To the first of the capsule vectors. */
export const replyVectors = () => [...taken(), ...refused()];
