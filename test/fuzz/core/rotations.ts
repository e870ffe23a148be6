// Keys that follow each other, of the issuer, the first node and a client, their certificates in any
// order; and what counts then of what each key signs, hands on or uses, when.
import fc from "fast-check";
import { chainBytes } from "../../../src/security/capability/chain.ts";
import { signToken } from "../../../src/security/capability/token.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { rootChain, tokenClaims } from "../../security/capability/token-fixture.ts";
import { bytesOf, certify, genesis, keyOf, keys, must, NOW } from "../../security/cell-fixture.ts";
import { UNTIL } from "../../security/rotation-fixture.ts";
import { coreTarget, NAMED } from "./core-law.ts";
import { courtOf, type Subject } from "./court.ts";
import { historyOf, step } from "./histories.ts";

const MONTH_MS = 30 * 86_400_000;
const LATE = { notAfterUnixMs: NOW + 4 * MONTH_MS };
const first = {
  issuer: certify({ ...LATE, key: keys.issuer.publicKey, principal: "issuer", kind: "issuer" }, keys.genesis),
  node: certify({
    ...{ ...LATE, key: keys.nodeA.publicKey, principal: "a", kind: "node" },
    shards: [{ first: 0, last: 255 }],
  }),
  ann: certify(LATE),
};
/** Who signs roots when it is not the node's key that is asked about, and bob, who is in none of this. */
const root = keyOf(40);
const others = [
  certify({
    ...{ ...LATE, key: root.publicKey, principal: "r", kind: "node" },
    shards: [{ first: 0, last: 0 }],
  }),
  certify({ ...LATE, key: keys.bob.publicKey, principal: "bob" }),
];

/** Scopes, by the epoch that each is in. */
const EPOCHS = new Map([
  ["early", UNTIL - 1],
  ["late", UNTIL],
]);
const roots = [
  { notBeforeUnixMs: NOW - 1_000 },
  { notBeforeUnixMs: UNTIL - 1, scope: "early", epoch: UNTIL - 1 },
  { notBeforeUnixMs: UNTIL },
  { notBeforeUnixMs: NOW - 1_000, scope: "late", epoch: UNTIL },
];
const id = new Uint8Array(16).fill(1);
const capsule = bytesOf({ id, source: undefined, deadlineUnixMs: NOW + MONTH_MS });
/** Made once for each key. */
const made = new Map<SigningKey, readonly Subject[]>();

/** What a key sends, and roots that it signs. */
function signedBy(key: SigningKey): readonly Subject[] {
  const known = made.get(key);
  if (known !== undefined) return known;
  const holder = keys.bob.publicKey;
  const subjects: readonly Subject[] = [
    { kind: "capsule", bytes: capsule, issuer: key.publicKey },
    ...roots.map((claims): Subject => {
      const bytes = chainBytes(rootChain({ ...LATE, ...claims, holder }, key));
      return { kind: "chain", bytes, holder };
    }),
  ];
  made.set(key, subjects);
  return subjects;
}

/** A token of the one key, used by itself and with the other, in a capsule too; and handed on by it. */
function usedBy(owner: SigningKey, other: SigningKey): readonly Subject[] {
  const held = rootChain({ ...LATE, holder: owner.publicKey }, root);
  const token = tokenClaims({ ...LATE, holder: keys.bob.publicKey, parent: held.root.hash, maxDepth: 0 });
  const on = must(signToken(token, owner, genesis.hash));
  const bytes = chainBytes(held);
  const sent = bytesOf({ id, capability: bytes, deadlineUnixMs: NOW + MONTH_MS });
  return [
    { kind: "chain", bytes, holder: other.publicKey },
    { kind: "capsule", bytes: sent, issuer: other.publicKey },
    { kind: "chain", bytes: chainBytes({ links: [held.root, on] }), holder: keys.bob.publicKey },
  ];
}

const nameOf = ({ kind }: Subject, atMs: number): string => {
  if (kind === "capsule") return "sent by a key before";
  return atMs < UNTIL - NOW ? "root of a key before" : "root of a key that ended";
};

const steps = (most: number) => fc.array(step, { maxLength: most, size: "max" });

export const coreRotations = coreTarget({
  name: "core-rotation",
  inputs: fc.record({
    issuer: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: steps(3) }),
    node: steps(5),
    ann: steps(4),
    /** Where each certificate comes, and whether at all; none: in their order. */
    order: fc.oneof(fc.constant([]), fc.array(fc.nat(99), { minLength: 18, maxLength: 18 })),
    atMs: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(0, 1) },
      { weight: 3, arbitrary: fc.constantFrom(...[-1, 0].map((by) => UNTIL - NOW + by)) },
      { weight: 2, arbitrary: fc.constantFrom(...[-1, 0].map((by) => UNTIL - NOW + MONTH_MS + by)) },
    ),
  }),
  caseOf: ({ issuer, node, ann, order, atMs }) => {
    const issuers = historyOf(first.issuer, issuer, [keys.genesis]);
    const [nodes, anns] = [
      historyOf(first.node, node, issuers.keys),
      historyOf(first.ann, ann, issuers.keys),
    ];
    const all = [...issuers.all, ...others.map(({ bytes }) => bytes), ...nodes.all, ...anns.all];
    const placed = all.map((bytes, at) => ({ bytes, place: order[at % order.length] ?? at + 1 }));
    const certificates = placed
      .filter(({ place }) => place % 12 !== 0 || order.length === 0)
      .sort((a, b) => a.place - b.place)
      .map(({ bytes }) => bytes);
    const holders = [...anns.keys, keys.bob];
    const signers = [...new Set([...issuers.keys, ...nodes.keys, ...holders, keys.stranger])];
    const names = new Map<Subject, string>();
    const before = [issuers, nodes, anns].flatMap(({ keys: line }) => line.slice(0, -1));
    for (const subject of before.flatMap(signedBy)) names.set(subject, nameOf(subject, atMs));
    const used = holders.flatMap((one) =>
      holders.flatMap((two) => {
        const subjects = usedBy(one, two);
        if (one !== two && one !== keys.bob && two !== keys.bob)
          for (const subject of subjects.slice(0, 2)) names.set(subject, "used by the other key");
        return subjects;
      }),
    );
    return {
      court: courtOf({ certificates, nowUnixMs: NOW + atMs, epochs: EPOCHS }),
      subjects: [...signers.flatMap(signedBy), ...used],
      names,
    };
  },
  mustSee: [
    ...["certified", "ok", "ok by a token", "AUTHORITY_CONTINUITY_INVALID", "AUTHORITY_CERTIFICATE_INVALID"],
    ...["AUTHORITY_CERTIFICATE_FORGED", "AUTHORITY_CHAIN_BROKEN", "AUTHORITY_PRINCIPAL_TAKEN"],
    ...["AUTHORITY_GENERATION_SUPERSEDED", "AUTHORITY_CERTIFICATE_NOT_YET_VALID", "AUTHORITY_REVOKED"],
    ...["AUTHORITY_ISSUER_UNKNOWN", "CAPABILITY_AUTHORITY_UNKNOWN", "CAPABILITY_HOLDER_MISMATCH"],
    "CAPABILITY_HOLDER_WITHDRAWN",
    ...[
      "sent by a key before",
      "root of a key before",
      "root of a key that ended",
      "used by the other key",
    ].flatMap((name) => ["accepted", "refused"].map((outcome) => `${name}${NAMED}${outcome}`)),
  ],
  testRuns: 150,
  seesCertificates: true,
});
