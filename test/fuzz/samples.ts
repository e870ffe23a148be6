// Right bytes of every kind, as a cell makes them: what mutants are made of.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  DeadLetterClosedSchema,
  DeadLetterRecordSchema,
  DeadLetterSchema,
} from "../../src/gen/cell0/v1/deadletter_pb.ts";
import { FailureClass } from "../../src/gen/cell0/v1/events_pb.ts";
import { sha256 } from "../../src/security/bytes.ts";
import { attenuate, type Chain, chainBytes } from "../../src/security/capability/chain.ts";
import type { Constraint } from "../../src/security/capability/constraint.ts";
import { actorHolder } from "../../src/security/capability/holder.ts";
import type { TokenClaims } from "../../src/security/capability/token.ts";
import { sealRecords } from "../../src/security/records/sealed-record.ts";
import { signRevision } from "../../src/security/trust/revision.ts";
import { type Capsule, MAX_CAPABILITY_BYTES } from "../../src/security/wire/capsule.ts";
import { sealBatch, sealOne } from "../../src/security/wire/seal.ts";
import { everything, rootChain, tokenClaims } from "../security/capability/token-fixture.ts";
import {
  annCertificate,
  bytesOf,
  certify,
  genesis,
  INBOX,
  issuerCertificate,
  keyOf,
  keys,
  must,
  NOW,
  nodeBCertificate,
  nodeCertificate,
  sealingOf,
} from "../security/cell-fixture.ts";
import { follow } from "../security/rotation-fixture.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const idOf = (n: number) => new Uint8Array(16).fill(n);

/** With a constraint of each kind. */
const constraints: readonly Constraint[] = [
  { path: "/a", rule: { kind: "equals", value: "x" } },
  { path: "/b", rule: { kind: "oneOf", values: ["x", 1.5, true, null] } },
  { path: "", rule: { kind: "prefix", prefix: "p" } },
  { path: "/c~1d", rule: { kind: "range", least: -1, most: 10 } },
  { path: "/e", rule: { kind: "subset", values: ["r", "w"] } },
  { path: "/f", rule: { kind: "maxLength", length: 300 } },
];
const limits = { memoryBytes: 1_000, cpuMilli: 2, storageBytes: 3, agents: 0, calls: 5, costMicro: 6 };
const handOn = (chain: Chain, claims: Partial<TokenClaims>, holder = keys.ann): Chain =>
  must(attenuate(chain, tokenClaims(claims), holder, genesis.hash));

/** An actor that holds a token. */
export const AGENT = "support/far";
/** Of the issuer: for ann, handed on to bob, and on to a third or an actor; and one with all that a token can have. */
export const chains: readonly Chain[] = (() => {
  const plain = rootChain({}, keys.issuer);
  const once = handOn(plain, { id: idOf(2), holder: keys.bob.publicKey, maxDepth: 6 });
  const narrow = { intents: ["ticket.*"], targets: ["support/**"], constraints: constraints.slice(0, 2) };
  const last = { id: idOf(3), holder: keyOf(9).publicKey, maxDepth: 0, permissions: [narrow] };
  const kernels = { targets: ["kernel/**"] };
  const full = rootChain(
    {
      ...{ kind: "system", limits },
      permissions: [
        { ...narrow, ...kernels, constraints },
        { ...everything, ...kernels },
      ],
    },
    keys.issuer,
  );
  // In the place of the first nothing but its name would tell.
  const other = rootChain({ id: idOf(4) }, keys.issuer);
  const actors = {
    id: idOf(5),
    kind: "agent",
    holder: actorHolder(genesis.hash, AGENT),
    maxDepth: 0,
  } as const;
  return [plain, once, handOn(once, last, keys.bob), full, other, handOn(once, actors, keys.bob)];
})();
export const chainSamples = chains.map(chainBytes);
export const chainLimit = MAX_CAPABILITY_BYTES;

const trace = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`, tracestate: "v=1" };
const reply = {
  requestId: idOf(6),
  requestHash: new Uint8Array(32).fill(3),
  index: 300,
  final: true,
  error: { code: "ACTOR_CRASHED", message: "m \u00e4", remedy: "r", retryable: true, retryAfterMs: 250 },
  turnedAway: 2,
};
const fields: readonly Partial<Capsule>[] = [
  {},
  {
    ...trace,
    rootId: idOf(4),
    causeId: idOf(5),
    priority: "high",
    issuedAt: { unixMs: NOW - 10, counter: 7 },
  },
  { capability: chainSamples[0] ?? new Uint8Array(), replyInbox: "", contentType: "" },
  { payload: new Uint8Array(700).fill(1), hopLimit: 0, priority: "critical" },
];
/** Intents of ann. */
export const intents = fields.map((each, at) => bytesOf({ id: idOf(16 + at), ...each }));
const source = { actor: AGENT, incarnation: { term: 3, activation: 200 }, sequence: 300 };
export const capsuleSamples = [
  ...intents,
  bytesOf({ id: idOf(32), source, replyInbox: "" }),
  bytesOf({ id: idOf(34), source, replyInbox: "", capability: chainSamples[5] ?? new Uint8Array() }),
  bytesOf({ id: idOf(33), target: INBOX, replyInbox: "", reply }),
];

/** The numbers of a batch reach as far as 64 bits. */
export const envelopeSamples: readonly Uint8Array[] = [
  ...intents.map((bytes) => sealOne(bytes, sealingOf(keys.ann))),
  ...sealBatch([intents.slice(0, 2), intents.slice(2)], sealingOf(keys.ann), 7n),
  ...sealBatch([intents.slice(0, 1), intents.slice(1, 3)], sealingOf(keys.ann), 2n ** 53n + 1n),
  ...sealBatch([intents], sealingOf(keys.ann), 2n ** 64n - 1n),
];

export const certificates = [
  annCertificate,
  nodeCertificate,
  nodeBCertificate,
  issuerCertificate,
  certify({ principal: "eve", key: keys.stranger.publicKey, generation: 300, revoked: true }),
  follow(annCertificate, keys.ann, keyOf(90)),
];

export const revisions = [1, 2].map((revision) =>
  must(
    signRevision(
      {
        revision,
        createdUnixMs: NOW,
        author: "operator",
        graph: utf8('{"actors":[]}'),
        rollbackOf: revision - 1,
        previousHash: revision === 1 ? new Uint8Array() : sha256(utf8("before")),
        causeId: revision === 1 ? new Uint8Array() : idOf(8),
      },
      keys.nodeA,
      genesis.hash,
    ),
  ),
);

const death = {
  unixMs: BigInt(NOW),
  incarnation: { term: 1n, activation: 2n },
  failure: FailureClass.CRASH,
  ...{ name: "Error", message: "m", stack: "s", origin: "o" },
};
const letter = create(DeadLetterSchema, {
  ...{ id: idOf(1), actor: "support/triage", node: "a", setAsideUnixMs: BigInt(NOW), source: "" },
  ...{ deadlineUnixMs: BigInt(NOW), capsule: Uint8Array.from(intents[0] ?? []), deaths: [death, death] },
  intent: { id: idOf(16), rootId: idOf(16), intent: "ticket.open", principal: "ann", epoch: 0n },
});
const closed = create(DeadLetterClosedSchema, {
  ...{ id: idOf(1), actor: "support/triage", how: "retried", by: "ann", unixMs: 1n, retryId: idOf(2) },
});
export const letters = [
  create(DeadLetterRecordSchema, { record: { case: "letter", value: letter } }),
  create(DeadLetterRecordSchema, { record: { case: "closed", value: closed } }),
].map((message) => toBinary(DeadLetterRecordSchema, message));

/** What a node keeps, by kind, in the clear. */
export const records = {
  journal: [utf8("one"), utf8("two"), utf8("three")],
  commit: [utf8("state")],
  deadletter: letters,
};
export const sealedSamples: readonly Uint8Array[] = [
  ...sealRecords(
    records.journal.map((bytes) => ({ kind: "journal" as const, bytes })),
    sealingOf(keys.nodeA),
    2n ** 53n + 1n,
  ),
  ...sealRecords(
    records.commit.map((bytes) => ({ kind: "commit" as const, bytes })),
    sealingOf(keys.nodeA),
    2n,
  ),
  ...sealRecords(
    records.deadletter.map((bytes) => ({ kind: "deadletter" as const, bytes })),
    sealingOf(keys.nodeA),
    3n,
  ),
];
