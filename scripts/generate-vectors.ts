// Writes test/vectors/capsule-v1.json: messages with fixed keys and a fixed clock
// and the verdicts that they must get, for implementations in other languages.
//   node scripts/generate-vectors.ts
import { writeFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { IntentCapsuleSchema } from "../src/gen/cell0/v1/capsule_pb.ts";
import { concat, sha256, toHex } from "../src/security/bytes.ts";
import { buildReply } from "../src/security/replies/build-reply.ts";
import type { Capsule } from "../src/security/wire/capsule.ts";
import { sealBatch, sealOne } from "../src/security/wire/seal.ts";
import { singleInput } from "../src/security/wire/signing-input.ts";
import * as cell from "../test/security/cell-fixture.ts";

const { keys, NOW, SUBJECT, INBOX } = cell;
const ann = cell.sealingOf(keys.ann);

const idOf = (number: number): Uint8Array => {
  const id = new Uint8Array(16).fill(0x11);
  id[15] = number;
  return id;
};
const capsule = (number: number, fields: Partial<Capsule> = {}): Uint8Array =>
  cell.bytesOf({ id: idOf(number), rootId: idOf(number), ...fields });

type Expected = { readonly kind: string; readonly stage?: string; readonly code?: string };
type Vector = {
  readonly name: string;
  readonly subject: string;
  readonly message: string;
  readonly verdicts: readonly Expected[];
};

const accepted: Expected = { kind: "accepted" };
const refused = (stage: string, code: string): Expected => ({ kind: "refused", stage, code });

function vector(name: string, message: Uint8Array, verdicts: readonly Expected[], subject = SUBJECT): Vector {
  return { name, subject, message: toHex(message), verdicts };
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

function batchOf(...groups: readonly (readonly Uint8Array[])[]): readonly Uint8Array[] {
  return sealBatch(groups, ann, 42n);
}

function formVectors(): Vector[] {
  const one = sealOne(capsule(1), ann);
  const withCapability = toBinary(
    IntentCapsuleSchema,
    create(IntentCapsuleSchema, {
      ...fromBinary(IntentCapsuleSchema, capsule(6)),
      capability: new Uint8Array(12 * 1024 + 1),
    }),
  );
  return [
    vector("a single signature", one, [accepted]),
    vector("no bytes", new Uint8Array(), [refused("decode", "CAPSULE_ALGORITHM_UNKNOWN")]),
    vector("a message cut short", one.slice(0, -1), [refused("decode", "CAPSULE_MALFORMED")]),
    vector("an unknown field after the envelope", concat(one, Uint8Array.of(0x78, 1)), [
      refused("decode", "CAPSULE_MALFORMED"),
    ]),
    vector("an unknown field in the capsule", sealOne(concat(capsule(2), Uint8Array.of(0xf8, 6, 1)), ann), [
      refused("decode", "CAPSULE_MALFORMED"),
    ]),
    vector("a field of the capsule set twice", sealOne(concat(capsule(3), Uint8Array.of(0x20, 9)), ann), [
      refused("decode", "CAPSULE_MALFORMED"),
    ]),
    vector("a capability that is none", sealOne(capsule(5, { capability: Uint8Array.of(1) }), ann), [
      refused("authority", "CAPABILITY_MALFORMED"),
    ]),
    vector("a capability of 12 KiB and a byte", sealOne(withCapability, ann), [
      refused("decode", "CAPSULE_FIELD_INVALID"),
    ]),
    vector("a changed signature", changed(one, -1), [refused("signature", "CAPSULE_SIGNATURE_INVALID")]),
    vector("another cell's genesis", sealOne(capsule(4), { ...ann, genesisHash: new Uint8Array(32) }), [
      refused("signature", "CAPSULE_SIGNATURE_INVALID"),
    ]),
  ];
}

function batchVectors(): Vector[] {
  const [first = new Uint8Array(), second = new Uint8Array()] = batchOf(
    [capsule(10), capsule(11), capsule(12)],
    [capsule(13), capsule(14)],
  );
  const [mixed = new Uint8Array()] = batchOf([
    capsule(15),
    capsule(16, { deadlineUnixMs: NOW - 1 }),
    capsule(15),
  ]);
  return [
    vector("the first three of a batch of five", first, [accepted, accepted, accepted]),
    vector("the last two of a batch of five", second, [accepted, accepted]),
    vector("a batch with one capsule too late and one twice", mixed, [
      accepted,
      refused("freshness", "CAPSULE_DEADLINE_PASSED"),
      { kind: "duplicate" },
    ]),
    vector("a batch with a changed path", changed(second, -1), [
      refused("signature", "CAPSULE_PROOF_INVALID"),
      refused("signature", "CAPSULE_PROOF_INVALID"),
    ]),
  ];
}

function refusalVectors(): Vector[] {
  const one = (fields: Partial<Capsule>, number: number) => sealOne(capsule(number, fields), ann);
  const stranger = sealOne(capsule(20), cell.sealingOf(keys.stranger));
  return [
    vector("a stranger", stranger, [refused("issuer", "AUTHORITY_ISSUER_UNKNOWN")]),
    vector(
      "another principal on the subject",
      one({}, 21),
      [refused("issuer", "AUTHORITY_PRINCIPAL_MISMATCH")],
      SUBJECT.replace(".ann.", ".bob."),
    ),
    vector(
      "another target on the subject",
      one({}, 22),
      [refused("target", "CAPSULE_TARGET_MISMATCH")],
      SUBJECT.replace("triage", "router"),
    ),
    vector("another principal's inbox", one({ replyInbox: INBOX.replace(".ann.", ".bob.") }, 23), [
      refused("inbox", "CAPSULE_INBOX_FOREIGN"),
    ]),
    vector("a deadline that has passed", one({ deadlineUnixMs: NOW }, 24), [
      refused("freshness", "CAPSULE_DEADLINE_PASSED"),
    ]),
    vector("a stale capsule", one({ issuedAt: { unixMs: NOW - 35_001, counter: 0 } }, 25), [
      refused("freshness", "CAPSULE_STALE"),
    ]),
    vector("a capsule of the future", one({ issuedAt: { unixMs: NOW + 5_001, counter: 0 } }, 26), [
      refused("freshness", "CAPSULE_FROM_FUTURE"),
    ]),
    vector("an intent that is not granted", one({ intent: "user.delete" }, 27), [
      refused("authority", "AUTHORITY_INTENT_FORBIDDEN"),
    ]),
    vector("an epoch to come", one({ epoch: 1 }, 28), [refused("authority", "AUTHORITY_EPOCH_UNKNOWN")]),
  ];
}

/** A reply of node `a` to the first vector's capsule, for those who write clients. */
function replyVector() {
  const request = capsule(1);
  const ref = {
    issuer: keys.ann.publicKey,
    id: idOf(1),
    rootId: idOf(1),
    hash: sha256(request),
    intent: "ticket.open",
    deadlineUnixMs: NOW + 5_000,
    priority: "normal" as const,
    traceparent: "",
  };
  const content = {
    kind: "value" as const,
    payload: new TextEncoder().encode('{"ticket":7}'),
    contentType: "application/json",
    final: true,
  };
  const maker = { nextId: () => idOf(99), tick: () => ({ unixMs: NOW + 1, counter: 0 }) };
  const reply = cell.must(buildReply(ref, content, { inbox: INBOX, index: 0 }, maker));
  return {
    request: toHex(request),
    subject: INBOX,
    message: toHex(sealOne(reply, cell.sealingOf(keys.nodeA))),
    payload: new TextDecoder().decode(content.payload),
    index: 0,
    final: true,
  };
}

export function makeVectors() {
  const { genesis, issuerCertificate, nodeCertificate, nodeBCertificate, annCertificate, bobCertificate } =
    cell;
  const certificates = [issuerCertificate, nodeCertificate, nodeBCertificate, annCertificate, bobCertificate];
  const signed = capsule(1);
  return {
    about:
      "Each message is judged alone by node `a` at nowUnixMs, with these certificates and no other grants; the actors support/triage and support/router are placed on it. All bytes in hex.",
    cell: cell.CELL,
    node: "a",
    nowUnixMs: NOW,
    genesis: toHex(genesis.bytes),
    genesisHash: toHex(genesis.hash),
    certificates: certificates.map(({ bytes }) => toHex(bytes)),
    seeds: { ann: "05".repeat(32), a: "03".repeat(32) },
    signing: {
      capsule: toHex(signed),
      hash: toHex(sha256(signed)),
      issuer: toHex(keys.ann.publicKey),
      input: toHex(singleInput(genesis.hash, keys.ann.publicKey, sha256(signed))),
      signature: toHex(keys.ann.sign(singleInput(genesis.hash, keys.ann.publicKey, sha256(signed)))),
    },
    vectors: [...formVectors(), ...batchVectors(), ...refusalVectors()],
    reply: replyVector(),
  };
}

export const VECTORS_FILE = new URL("../test/vectors/capsule-v1.json", import.meta.url);

if (import.meta.main) writeFileSync(VECTORS_FILE, `${JSON.stringify(makeVectors(), null, 2)}\n`);
