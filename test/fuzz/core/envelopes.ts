// Envelopes and capsules, right, changed, and of signers who may not send them.
import fc from "fast-check";
import { attenuate, chainBytes } from "../../../src/security/capability/chain.ts";
import { actorHolder } from "../../../src/security/capability/holder.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { type Capsule, MAX_CAPSULE_BYTES } from "../../../src/security/wire/capsule.ts";
import { MAX_ENVELOPE_BYTES } from "../../../src/security/wire/envelope.ts";
import { sealBatch, sealOne } from "../../../src/security/wire/seal.ts";
import { rootChain, SYSTEM, tokenClaims } from "../../security/capability/token-fixture.ts";
import { bytesOf, genesis, INBOX, keys, must, NOW, sealingOf } from "../../security/cell-fixture.ts";
import { mutants } from "../mutants.ts";
import { AGENT, capsuleSamples, chainSamples, envelopeSamples, intents } from "../samples.ts";
import { batch, boundCapsule } from "./bounds.ts";
import { coreTarget } from "./core-law.ts";
import { courtOf } from "./court.ts";
import { everyone, odd, oddNode, people, rotated } from "./people.ts";

const id = (n: number) => new Uint8Array(16).fill(n);
const once = chainBytes(rootChain({ kind: "ephemeral" }));
const agents = chainBytes(
  rootChain({ kind: "agent", maxDepth: 0, holder: actorHolder(genesis.hash, AGENT) }),
);
const system = chainBytes(rootChain(SYSTEM));
const elsewhere = chainBytes(rootChain({ kind: "federation" }));
const onceOfElsewhere = (() => {
  const of = rootChain({ kind: "federation" });
  const claims = tokenClaims({ kind: "ephemeral", maxDepth: 0 });
  return chainBytes(must(attenuate(of, claims, keys.ann, genesis.hash)));
})();
const brief = chainBytes(rootChain({ notAfterUnixMs: NOW + 4_000 }));
const narrow = chainBytes(
  rootChain({
    permissions: [
      {
        intents: ["ticket.*"],
        targets: ["support/**"],
        constraints: [{ path: "/subject", rule: { kind: "prefix", prefix: "prin" } }],
      },
    ],
  }),
);
const source = { actor: AGENT, incarnation: { term: 3, activation: 200 }, sequence: 300 };
const reply = {
  ...{ requestId: id(6), requestHash: new Uint8Array(32).fill(3), index: 0, final: true },
  ...{ error: undefined, turnedAway: 0 },
};

const sent = (fields: Partial<Capsule>, key: Pick<SigningKey, "publicKey" | "sign"> = keys.ann) =>
  sealOne(bytesOf({ id: id(40), ...fields }), sealingOf(key as SigningKey));
const answer = { target: INBOX, replyInbox: "", reply };

const samples: readonly Uint8Array[] = [
  ...envelopeSamples,
  ...[once, agents, brief, narrow, chainSamples[1], chainSamples[3], elsewhere, onceOfElsewhere].map(
    (capability) => sent({ capability: capability ?? new Uint8Array() }),
  ),
  sent({ capability: narrow, payload: Buffer.from('{"subject":"scanner"}') }),
  sent({ capability: narrow, intent: "other" }),
  sent({ capability: system }),
  sent({ capability: system, target: "kernel/graph" }),
  sent({ capability: once, target: "kernel/graph" }),
  sent({ capability: Uint8Array.of(1) }),
  // A batch of which one rests on a token.
  ...sealBatch([[intents[0] ?? once, bytesOf({ id: id(41), capability: once })]], sealingOf(keys.ann), 3n),
  sent({ source }),
  sent({ source }, keys.nodeA),
  sent({}, keys.nodeA),
  sent({ source, capability: once }, keys.nodeA),
  sent({ source, capability: agents }, keys.nodeA),
  sent({ source: { ...source, actor: "support/triage" }, capability: agents }, keys.nodeA),
  sent({ capability: agents }, keys.nodeA),
  ...[keys.nodeB, keys.ann, keys.issuer].map((key) => sent(answer, key)),
  // The rule admits each of these signatures, the quick verifier of a few only.
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => sent({ ...answer, id: id(n) }, oddNode)),
  ...[1, 2, 3, 4].map((n) => sent({ id: id(n) }, odd)),
  ...[keys.issuer, keys.stranger, people.fay, people.gus].map((key) => sent({}, key)),
  ...Object.values(rotated).flatMap((pair) => pair.map((key) => sent({}, key))),
  // A token of the key before, with either.
  ...[rotated.both, rotated.ended, rotated.over].flatMap(([before, next]) => {
    const capability = chainBytes(rootChain({ holder: before.publicKey }));
    return [before, next].map((key) => sent({ capability }, key));
  }),
  sealOne(bytesOf({ id: id(42) }), { key: keys.ann, genesisHash: new Uint8Array(32) }),
];

const court = courtOf({ certificates: everyone });
/** Subjects of one request. */
const MANY = { minLength: 1, maxLength: 64, size: "max" } as const;

const envelope = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(...samples) },
  { weight: 1, arbitrary: batch },
  { weight: 3, arbitrary: mutants(samples, MAX_ENVELOPE_BYTES).map(({ bytes }) => bytes) },
);

export const coreEnvelopes = coreTarget({
  name: "core-envelope",
  inputs: fc.array(envelope, MANY),
  caseOf: (all) => ({ court, subjects: all.map((bytes) => ({ kind: "envelope" as const, bytes })) }),
  mustSee: [
    ...["ok", "ok by a token", "CAPSULE_MALFORMED", "CAPSULE_PROOF_INVALID", "CAPSULE_SIGNATURE_INVALID"],
    ...["CAPSULE_ALGORITHM_UNKNOWN", "CAPSULE_FIELD_INVALID", "CAPSULE_TOO_LARGE", "CAPSULE_REPLY_UNBOUND"],
    ...["AUTHORITY_ISSUER_UNKNOWN", "AUTHORITY_REVOKED", "AUTHORITY_CERTIFICATE_EXPIRED"],
    ...["AUTHORITY_KIND_FORBIDDEN", "AUTHORITY_SOURCE_INVALID", "CAPABILITY_MALFORMED"],
    ...["CAPABILITY_ARGUMENT_FORBIDDEN", "CAPABILITY_INTENT_FORBIDDEN", "CAPABILITY_EXPIRED"],
    ...["CAPSULE_CAPABILITY_NOT_BUILT_YET", "CAPABILITY_HOLDER_MISMATCH"],
  ],
  testRuns: 60,
});

const issuers = [keys.ann, keys.ann, keys.ann, keys.nodeA, keys.issuer, people.gus];
const signedCapsule = fc
  .record({
    bytes: fc.oneof(
      boundCapsule,
      mutants(capsulesToo(), MAX_CAPSULE_BYTES).map((mutant) => mutant.bytes),
    ),
    issuer: fc.constantFrom(...issuers),
  })
  .map(({ bytes, issuer }) => ({
    kind: "capsule" as const,
    bytes,
    issuer: issuer.publicKey,
  }));

export const coreCapsules = coreTarget({
  name: "core-capsule",
  inputs: fc.array(signedCapsule, MANY),
  caseOf: (subjects) => ({ court, subjects }),
  mustSee: [
    ...["ok", "ok by a token", "CAPSULE_MALFORMED", "CAPSULE_FIELD_INVALID", "CAPSULE_TOO_LARGE"],
    ...["CAPSULE_PAYLOAD_TOO_LARGE", "AUTHORITY_KIND_FORBIDDEN", "CAPSULE_REPLY_UNBOUND"],
  ],
  testRuns: 120,
});

/** With payloads about the bound of their size, and fields about theirs. */
function capsulesToo(): readonly Uint8Array[] {
  const raw = [64 * 1024 - 1, 64 * 1024, 65 * 1024, 82 * 1024].map((length) =>
    Buffer.concat([
      bytesOf({ id: id(43), payload: new Uint8Array() }),
      Uint8Array.of(0x42, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14),
      new Uint8Array(length),
    ]),
  );
  return [
    ...capsuleSamples,
    bytesOf({ id: id(44), capability: once }),
    bytesOf({ id: id(45), capability: narrow, contentType: " Application/JSON ; x=y" }),
    ...raw,
  ];
}
