// Messages with fixed keys and a fixed clock, and the verdicts that intake must give; capsules that a client
// must make, byte for byte.
import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { EnvelopeSchema, IntentCapsuleSchema, type MerkleProof } from "../../src/gen/cell0/v1/capsule_pb.ts";
import { concat, toHex } from "../../src/security/bytes.ts";
import { buildIntent } from "../../src/security/intents/build-intent.ts";
import type { SigningKey } from "../../src/security/keys/signing-key.ts";
import type { Capsule } from "../../src/security/wire/capsule.ts";
import { sealBatch, sealOne } from "../../src/security/wire/seal.ts";
import * as cell from "../../test/security/cell-fixture.ts";
import { changed, idOf, utf8 } from "./bytes.ts";
import { bytesOfLinks, type Claims, handOn, mint } from "./tokens.ts";

const { keys, NOW, SUBJECT, INBOX } = cell;
const ann = cell.sealingOf(keys.ann);

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

/** The same with a proof that says something else. */
function proving(message: Uint8Array, change: (proof: MerkleProof) => void): Uint8Array {
  const envelope = fromBinary(EnvelopeSchema, message);
  if (envelope.proof.case === "merkle") change(envelope.proof.value);
  return toBinary(EnvelopeSchema, envelope);
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
  const both = (code: string) => [refused("signature", code), refused("signature", code)];
  return [
    vector("the first three of a batch of five", first, [accepted, accepted, accepted]),
    vector("the last two of a batch of five", second, [accepted, accepted]),
    vector("a batch with one capsule too late and one twice", mixed, [
      accepted,
      refused("freshness", "CAPSULE_DEADLINE_PASSED"),
      { kind: "duplicate" },
    ]),
    vector(
      "a batch with a sibling too many",
      proving(second, ({ path }) => path.push(new Uint8Array(32))),
      both("CAPSULE_PROOF_INVALID"),
    ),
    vector(
      "a batch with a sibling too few",
      proving(second, ({ path }) => path.pop()),
      both("CAPSULE_PROOF_INVALID"),
    ),
    vector(
      "a batch at another place",
      proving(second, (proof) => {
        proof.firstIndex -= 1;
      }),
      both("CAPSULE_PROOF_INVALID"),
    ),
    vector(
      "a batch under another number",
      proving(second, (proof) => {
        proof.batch += 1n;
      }),
      both("CAPSULE_SIGNATURE_INVALID"),
    ),
    vector("a batch with a changed path", changed(second, -1), both("CAPSULE_PROOF_INVALID")),
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

/** Bob has no grants. */
function capabilityVectors(): Vector[] {
  const mine = { holder: keys.bob.publicKey };
  const of = (claims: Claims, number: number, fields: Partial<Capsule> = {}, by: SigningKey = keys.bob) => {
    const replyInbox = by === keys.bob ? INBOX.replace(".ann.", ".bob.") : INBOX;
    const capability = bytesOfLinks(mint(claims));
    return sealOne(capsule(number, { capability, replyInbox, ...fields }), cell.sealingOf(by));
  };
  const named = { intents: ["ticket.open"], targets: ["support/triage"] };
  const starts = { path: "/subject", rule: { kind: "prefix", prefix: "print" } } as const;
  const printers = { ...mine, permissions: [{ ...named, constraints: [starts] }] };
  const handedOn = bytesOfLinks(mint(), handOn(mint()));
  const bob = (name: string, message: Uint8Array, code?: string) =>
    vector(
      name,
      message,
      [code === undefined ? accepted : refused("authority", code)],
      SUBJECT.replace(".ann.", ".bob."),
    );
  return [
    bob(
      "without a grant or a capability",
      of({}, 40, { capability: new Uint8Array() }),
      "AUTHORITY_INTENT_FORBIDDEN",
    ),
    bob("under a capability", of(mine, 41)),
    bob("under a capability that was handed on", of({}, 42, { capability: handedOn })),
    bob("under a capability with a condition that holds", of(printers, 43)),
    bob(
      "under a capability with a condition that does not hold",
      of(printers, 44, { payload: utf8('{"subject":"door"}') }),
      "CAPABILITY_ARGUMENT_FORBIDDEN",
    ),
    bob(
      "under a capability for another intent",
      of(mine, 45, { intent: "user.delete" }),
      "CAPABILITY_INTENT_FORBIDDEN",
    ),
    bob("under another holder's capability", of({}, 46), "CAPABILITY_HOLDER_MISMATCH"),
    bob(
      "under a capability that ends before its deadline",
      of({ ...mine, notAfterUnixMs: NOW + 4_999 }, 47),
      "CAPABILITY_EXPIRED",
    ),
    vector(
      "under a capability that allows less than its issuer's grants",
      of({ permissions: [{ ...named, intents: ["ticket.close"], constraints: [] }] }, 48, {}, keys.ann),
      [refused("authority", "CAPABILITY_INTENT_FORBIDDEN")],
    ),
  ];
}

export const messageVectors = (): readonly Vector[] => [
  ...formVectors(),
  ...batchVectors(),
  ...refusalVectors(),
  ...capabilityVectors(),
];

/** What ann's client makes of an intent when its id and its clock are these; `fields` as ProtoJSON. */
export function encodingVectors() {
  const encoding = (
    name: string,
    number: number,
    payload: string,
    capability: Uint8Array = new Uint8Array(),
    replyInbox = INBOX,
  ) => {
    const built = cell.must(
      buildIntent(
        {
          ...{ target: "support/triage", intent: "ticket.open", contentType: "application/json" },
          ...{ payload: utf8(payload), deadlineUnixMs: NOW + 5_000, replyInbox, capability },
        },
        { nextId: () => idOf(number), tick: () => ({ unixMs: NOW, counter: 0 }) },
      ),
    );
    return {
      name,
      seed: "05".repeat(32),
      fields: toJson(IntentCapsuleSchema, fromBinary(IntentCapsuleSchema, built.bytes)),
      capsule: toHex(built.bytes),
      message: toHex(sealOne(built.bytes, ann)),
    };
  };
  return [
    encoding("an intent", 60, '{"subject":"printer"}'),
    encoding("an intent under a capability", 61, "{}", bytesOfLinks(mint())),
    encoding("a payload beyond ASCII", 62, '{"subject":"Zoë’s printer"}'),
    encoding("no reply wanted", 63, "null", new Uint8Array(), ""),
  ];
}
