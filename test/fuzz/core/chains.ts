// Chains of tokens: changed at will, and with changed bodies that are signed anew, so that what is
// said of a token's form and of its place in a chain is told apart from its signature.
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { CapabilityChainSchema } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { sha256 } from "../../../src/security/bytes.ts";
import { type Chain, chainBytes } from "../../../src/security/capability/chain.ts";
import { actorHolder } from "../../../src/security/capability/holder.ts";
import {
  approveToken,
  MAX_TOKEN_BYTES,
  signToken,
  type Token,
  type TokenClaims,
} from "../../../src/security/capability/token.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { rootChain, SYSTEM, tokenClaims } from "../../security/capability/token-fixture.ts";
import { bobCertificate, genesis, keyOf, keys, must, NOW } from "../../security/cell-fixture.ts";
import { actorOf, following, step } from "../links.ts";
import { mutants } from "../mutants.ts";
import { AGENT, chainLimit, chains } from "../samples.ts";
import { chainWith, signedAnew, signedByHand, signerOf } from "./chain-keys.ts";
import { coreTarget } from "./core-law.ts";
import { courtOf, type Subject } from "./court.ts";
import { cydCertificate, everyone, odd, people, rotated } from "./people.ts";
import { boundTokens } from "./token-bounds.ts";

const asked = { needed: 2, approvers: [keys.ann, keys.bob, people.cyd].map(({ publicKey }) => publicKey) };
const approved = (by: readonly SigningKey[]): Chain => {
  const bare = rootChain({ approval: asked }).root;
  const root = by.reduce((token: Token, key) => must(approveToken(token, key, genesis.hash)), bare);
  return { links: [root], root, last: root };
};
/** Handed on by a key under which not every verifier takes every signature for valid. */
const byOdd = Array.from({ length: 8 }, (_, n): Chain => {
  const root = rootChain({ holder: odd.publicKey }).root;
  const claims = tokenClaims({ id: new Uint8Array(16).fill(n + 1), parent: root.hash, maxDepth: 2 });
  const last = must(signToken(claims, odd as SigningKey, genesis.hash));
  return { links: [root, last], root, last };
});
const KINDS: readonly Partial<TokenClaims>[] = [
  SYSTEM,
  ...(["user", "ephemeral", "federation"] as const).map((kind) => ({ kind })),
  { ...SYSTEM, kind: "ephemeral" },
];
const AGENTS = { kind: "agent", maxDepth: 0, holder: actorHolder(genesis.hash, AGENT) } as const;
/** By hand, by ann. */
function byStep({ links: before, root, last: parent }: Chain, given: Partial<TokenClaims>): Chain {
  const claims = tokenClaims({ maxDepth: 6, ...given, parent: parent.hash });
  const last = must(signToken(claims, keys.ann, genesis.hash));
  return { links: [...before, last], root, last };
}
const others: readonly Chain[] = [
  approved([keys.ann, keys.bob]),
  approved([keys.ann]),
  approved([keys.ann, keys.bob, people.cyd]),
  approved([]),
  ...byOdd,
  // Of actors: under one that serves once, under one for the kernel, under another cell's, and with a link behind it.
  byStep(rootChain({ kind: "ephemeral" }), AGENTS),
  byStep(rootChain(SYSTEM), { ...SYSTEM, ...AGENTS }),
  byStep(rootChain({ kind: "federation" }), AGENTS),
  // Of each kind under each other.
  ...KINDS.flatMap((kind) => KINDS.map((next) => byStep(rootChain(kind), next))),
  rootChain({ kind: "agent", maxDepth: 0, holder: keys.ann.publicKey }),
  byStep(rootChain({ kind: "agent", maxDepth: 0, holder: keys.ann.publicKey }), { maxDepth: 0 }),
  byStep(rootChain({ kind: "agent", maxDepth: 0, holder: keys.ann.publicKey }), AGENTS),
  // A key that equals an actor's name.
  rootChain({ holder: actorHolder(genesis.hash, AGENT) }),
  rootChain({}, keys.ann),
  rootChain({}, keys.nodeB),
  rootChain({ notBeforeUnixMs: NOW + 5_000, notAfterUnixMs: NOW + 6_000 }),
  rootChain({ notBeforeUnixMs: NOW + 5_001, notAfterUnixMs: NOW + 6_000 }),
  rootChain({ notAfterUnixMs: NOW }),
  rootChain({ epoch: 3 }),
  rootChain({ epoch: 4 }),
  rootChain({ epoch: 5 }),
  rootChain({ scope: "default" }),
  // By the key of a node that another follows: dated before that one's end, or after.
  rootChain({}, rotated.node[0]),
  rootChain({}, rotated.node[1]),
  rootChain({ notBeforeUnixMs: NOW }, rotated.node[0]),
  ...Object.values(rotated).flatMap((pair) => pair.map((key) => rootChain({ holder: key.publicKey }))),
];
const all = [...chains, ...others];
const named = ({ kind, holder }: TokenClaims) => (kind === "agent" ? { actor: AGENT } : holder);
const holders = [...all.map(({ last }) => named(last)), keys.bob.publicKey];

const changedChain = mutants(all.map(chainBytes), chainLimit).map(
  ({ bytes, of }): Subject => ({ kind: "chain", bytes, holder: holders[of] ?? keys.ann.publicKey }),
);

/** The last link of each of the samples, with what comes before it. */
const bodies = all.map(({ links, last }) => ({ before: links.slice(0, -1), last }));
const changedBody = mutants(
  bodies.map(({ last }) => last.body),
  MAX_TOKEN_BYTES,
).map(({ bytes, of }): Subject => {
  const { before, last } = bodies[of] ?? { before: [], last: rootChain().root };
  const links = [...before.map((link) => link.bytes), signedAnew(bytes, last.issuer)];
  const message = create(CapabilityChainSchema, { links });
  return { kind: "chain", bytes: toBinary(CapabilityChainSchema, message), holder: named(last) };
});

/** Whole links in another order, left out, or more of them. */
const links = all.flatMap((chain) => chain.links.map(({ bytes }) => bytes));
const shuffled = fc.array(fc.constantFrom(...links), { maxLength: 9 }).map((some): Subject => {
  const message = create(CapabilityChainSchema, { links: some });
  return { kind: "chain", bytes: toBinary(CapabilityChainSchema, message), holder: keys.ann.publicKey };
});

const heldBy = (link: TokenClaims) => {
  const actor = actorOf(link);
  return actor === undefined ? named(link) : { actor };
};

const asIs = fc
  .constantFrom(...all, ...others.slice(0, 3), ...others.slice(0, 3))
  .map((chain): Subject => ({ kind: "chain", bytes: chainBytes(chain), holder: named(chain.last) }));

/** By an actor, or a client, whoever holds it. */
const byAnother = fc
  .tuple(
    fc.constantFrom(...all),
    fc.constantFrom<(Subject & { kind: "chain" })["holder"]>(
      { actor: AGENT },
      { actor: "a/b" },
      keys.ann.publicKey,
      actorHolder(genesis.hash, AGENT),
    ),
  )
  .map(([chain, holder]): Subject => ({ kind: "chain", bytes: chainBytes(chain), holder }));

/** A token of the one key with the other. */
const ofTheOther = fc
  .tuple(fc.constantFrom(...Object.values(rotated)), fc.boolean())
  .map(([[before, next], isNext]): Subject => {
    const [owner, user] = isNext ? [next, before] : [before, next];
    const bytes = chainBytes(rootChain({ holder: owner.publicKey }));
    return { kind: "chain", bytes, holder: user.publicKey };
  });

/** One link more, mostly narrower, sometimes wider by a hair. */
const stepped = fc.record({ of: fc.constantFrom(...chains), next: step }).map(({ of, next }): Subject => {
  const claims = { ...following(of.last, next), parent: of.last.hash };
  const link = signedByHand(claims, signerOf(of.last.holder) as SigningKey);
  return { kind: "chain", bytes: chainWith(of, link), holder: heldBy(claims) };
});

const subject = fc.oneof(
  { weight: 4, arbitrary: asIs },
  { weight: 4, arbitrary: byAnother },
  { weight: 4, arbitrary: stepped },
  { weight: 2, arbitrary: ofTheOther },
  { weight: 10, arbitrary: changedChain },
  { weight: 10, arbitrary: changedBody },
  { weight: 1, arbitrary: shuffled },
  { weight: 3, arbitrary: fc.constantFrom(...boundTokens) },
);
/** Without one of them each. */
const lists = everyone.map((_, at) => everyone.filter((__, other) => other !== at));
const hashes = all.flatMap((chain) => chain.links.map(({ hash }) => hash));

export const coreChains = coreTarget({
  name: "core-chain",
  inputs: fc.record({
    subjects: fc.array(subject, { minLength: 1, maxLength: 64, size: "max" }),
    epochs: fc.constantFrom([], [], [["support", 4]] as const),
    revoked: fc.array(fc.constantFrom(...hashes, sha256(keyOf(77).publicKey)), { maxLength: 1 }),
    /** Whose certificate is missing. */
    without: fc.oneof(
      fc.constant(everyone.length),
      fc.nat(everyone.length),
      // Bob and cyd, who approve.
      fc.constantFrom(...[bobCertificate, cydCertificate].map(({ bytes }) => everyone.indexOf(bytes))),
    ),
    atMs: fc.constantFrom(0, 0, 0, -5_001, 59_999, 60_000),
  }),
  caseOf: ({ subjects, epochs, revoked, without, atMs }) => ({
    court: courtOf({
      certificates: lists[without] ?? everyone,
      epochs: new Map(epochs),
      revoked,
      nowUnixMs: NOW + atMs,
    }),
    subjects,
  }),
  mustSee: [
    ...["ok by a token", "CAPABILITY_MALFORMED", "CAPABILITY_CHAIN_BROKEN", "CAPABILITY_SIGNATURE_INVALID"],
    ...["CAPABILITY_HOLDER_MISMATCH", "CAPABILITY_EXPIRED", "CAPABILITY_NOT_YET_VALID", "CAPABILITY_WIDENED"],
    ...["CAPABILITY_EPOCH_STALE", "CAPABILITY_REVOCATIONS_UNHEARD", "CAPABILITY_REVOKED"],
    ...["CAPABILITY_AUTHORITY_UNKNOWN", "CAPABILITY_HOLDER_WITHDRAWN", "CAPABILITY_NOT_APPROVED"],
  ],
  testRuns: 110,
});
