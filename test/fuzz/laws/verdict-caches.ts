// What a verifier remembers never changes what it says: one that has seen any number of chains,
// and had to forget some of them, comes to the same as one that has seen none, for the same bytes,
// holder and time, also after an authority, a holder or an epoch has ended or come back.
import fc from "fast-check";
import { CellError } from "../../../src/errors/cell-error.ts";
import { concat, equalBytes } from "../../../src/security/bytes.ts";
import { type Chain, chainBytes, chainOf } from "../../../src/security/capability/chain.ts";
import { ChainVerifier } from "../../../src/security/capability/chain-verifier.ts";
import { KnownChains } from "../../../src/security/capability/known-chains.ts";
import type { Permission } from "../../../src/security/capability/permission.ts";
import { signToken, type TokenClaims } from "../../../src/security/capability/token.ts";
import { everything, rootChain, tokenClaims } from "../../security/capability/token-fixture.ts";
import { genesis, keys, must, NOW } from "../../security/cell-fixture.ts";
import { codeOf, demand } from "../demand.ts";
import { targetOf } from "../target.ts";
import { verifyOnce } from "../verify-once.ts";

/** By hand, so that a link may be wider than its parent. */
const handOn = (chain: Chain, given: Partial<TokenClaims>, signer = keys.ann): Chain => {
  const parent = chain.last.hash;
  const claims = tokenClaims({ holder: keys.bob.publicKey, maxDepth: 6, ...given, parent });
  return must(chainOf([...chain.links, must(signToken(claims, signer, genesis.hash))]));
};
/** Some 5 KiB: a dozen of them are more than what is remembered of one holder. */
const large = (n: number): readonly Permission[] => {
  const values = Array.from({ length: 5 }, (_, at) => `${n}${at}`.padEnd(1_000, "x"));
  return [{ ...everything, constraints: [{ path: "/x", rule: { kind: "oneOf", values } }] }];
};
const idOf = (n: number) => new Uint8Array(16).fill(n);

const sound: readonly Chain[] = [
  ...Array.from({ length: 18 }, (_, n) => rootChain({ id: idOf(n + 1), permissions: large(n) }, keys.issuer)),
  handOn(rootChain({}, keys.issuer), {}),
  rootChain({ notAfterUnixMs: NOW + 30_000 }, keys.issuer),
  rootChain({ epoch: 1, notBeforeUnixMs: NOW + 20_000 }, keys.issuer),
];
const revocable = sound[0] ?? rootChain();
const unsound: readonly Chain[] = [
  handOn(rootChain({}, keys.issuer), { notAfterUnixMs: NOW + 60_001 }),
  handOn(rootChain({}, keys.issuer), {}, keys.bob),
  rootChain({}, keys.stranger),
];
const bytesOfAll = [...sound, ...unsound].map(chainBytes);
/** The last byte of a signature, and what is no chain. */
const forged = bytesOfAll.slice(16, 19).map((bytes) => concat(bytes.subarray(0, -1), Uint8Array.of(9)));
const pool = [...bytesOfAll, ...forged, new Uint8Array(3)];
/** Most are ann's. */
const HOLDERS = [keys.bob, ...Array.from({ length: 9 }, () => keys.ann)];

const verify = verifyOnce();

type Step = {
  readonly chain: number;
  readonly holder: number;
  /** What ends, or comes back, before it. */
  readonly toggles: "nothing" | (typeof ENDING)[number];
};
const ENDING = ["authority", "standing", "epoch", "time", "revoked", "unheard"] as const;

export const verdictCaches = targetOf<readonly Step[]>({
  name: "verdict-caches",
  inputs: fc.array(
    fc.record({
      chain: fc.nat(pool.length - 1),
      holder: fc.nat(HOLDERS.length - 1),
      toggles: fc.oneof(
        { weight: 60, arbitrary: fc.constant("nothing" as const) },
        { weight: 1, arbitrary: fc.constantFrom(...ENDING) },
      ),
    }),
    { minLength: 1, maxLength: 80, size: "max" },
  ),
  check: (steps, saw) => {
    const now = {
      ...{ authority: true, standing: true, epoch: false, time: false },
      ...{ revoked: false, unheard: false, monotonicMs: 0 },
    };
    let links = 0;
    const verifierAnew = () =>
      new ChainVerifier({
        genesisHash: genesis.hash,
        isAuthority: ({ issuer }) => now.authority && equalBytes(issuer, keys.issuer.publicKey),
        isStanding: () => now.standing,
        revocations: {
          epochOf: () => (now.epoch ? 1 : 0),
          isRevoked: (hash) => now.revoked && equalBytes(hash, revocable.last.hash),
          unheard: () => (now.unheard ? new CellError("CAPABILITY_REVOCATIONS_UNHEARD") : undefined),
        },
        skewMs: 5_000,
        // A second each, so that none is undecided.
        monotonicMs: () => now.monotonicMs,
        verify: (...signed) => {
          links += 1;
          return verify(...signed);
        },
      });
    const warm = verifierAnew();
    const countedBefore = new Set<number>();
    for (const { chain, holder, toggles } of steps) {
      if (toggles !== "nothing") now[toggles] = !now[toggles];
      now.monotonicMs += 1_000;
      const bytes = pool[chain] ?? new Uint8Array();
      const key = (HOLDERS[holder] ?? keys.ann).publicKey;
      const nowUnixMs = now.time ? NOW + 40_000 : NOW;
      links = 0;
      const remembering = warm.verify(bytes, key, nowUnixMs);
      const isKnown = remembering.ok && links === 0;
      const fresh = verifierAnew().verify(bytes, key, nowUnixMs);
      const [code, expected] = [remembering, fresh].map((each) => (each.ok ? "counts" : codeOf(each.error)));
      demand(code === expected, `what was seen before makes ${code} of ${expected}`);
      if (remembering.ok)
        demand(equalBytes(chainBytes(remembering.value), bytes), "another chain is remembered");
      saw(isKnown ? "known" : (code ?? ""));
      if (!remembering.ok) continue;
      if (!isKnown && countedBefore.has(chain)) saw("forgotten");
      countedBefore.add(chain);
    }
  },
  show: (steps) => JSON.stringify(steps),
  mustSee: ["known", "counts", "forgotten", "CAPABILITY_WIDENED", "CAPABILITY_SIGNATURE_INVALID"],
  testRuns: 40,
});

const chainNamed = sound.slice(0, 4);

/** The memory by itself, with room for few. */
export const knownChains = targetOf({
  name: "known-chains",
  inputs: fc.array(
    fc.record({
      holder: fc.constantFrom("ann", "bob", "cyd"),
      chain: fc.nat(chainNamed.length - 1),
      bytes: fc.integer({ min: 1, max: 30 }),
      isKept: fc.boolean(),
    }),
    { maxLength: 60 },
  ),
  check: (steps, saw) => {
    const known = new KnownChains({ all: 50, each: 25 });
    const kept = new Set<string>();
    for (const { holder, chain, bytes, isKept } of steps) {
      const own = `${holder} ${chain}`;
      const made = chainNamed[chain];
      if (isKept && made !== undefined) {
        known.keep(holder, String(chain), made, bytes);
        kept.add(own);
        continue;
      }
      const found = known.get(holder, String(chain));
      saw(found === undefined ? "not known" : "known");
      demand(found === undefined || (found === made && kept.has(own)), "it knows what it was not told");
    }
  },
  show: (steps) => JSON.stringify(steps),
  mustSee: ["known", "not known"],
  testRuns: 500,
});
