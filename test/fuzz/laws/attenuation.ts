// The law of attenuation: no sequence of links authorises what its root did not, however they are
// made. Each is signed by whoever may sign it: by `attenuate`, which refuses what is wider, or past
// it, by hand; and of a chain that counts every link permits whatever the last one permits.
import fc from "fast-check";
import { equalBytes } from "../../../src/security/bytes.ts";
import { attenuate, type Chain, chainBytes, chainOf } from "../../../src/security/capability/chain.ts";
import { permits } from "../../../src/security/capability/permits.ts";
import { beyondKind } from "../../../src/security/capability/reach.ts";
import { type ResourceLimits, signToken, type TokenClaims } from "../../../src/security/capability/token.ts";
import { isOfKernel } from "../../../src/security/grants/patterns.ts";
import { readJsonPayload } from "../../../src/wire/json-payload.ts";
import { chainVerifier, inEpoch, rootChain, userOf } from "../../security/capability/token-fixture.ts";
import { genesis, keys, must } from "../../security/cell-fixture.ts";
import { nameOf, payloadText } from "../arbitrary-permission.ts";
import { codeOf, demand } from "../demand.ts";
import { aimed, following, HOLDERS, rootReach, type Step, someLimits, step, toActor } from "../links.ts";
import { type Saw, targetOf } from "../target.ts";
import { verifyOnce } from "../verify-once.ts";

type Ask = {
  /** Odd: what the last link seems to permit is asked, and not the rest of this. */
  readonly aim: number;
  readonly intent: string;
  readonly target: string;
  readonly payload: string;
  /** Since the root began: before, in between, at its end and after. */
  readonly atMs: number;
};
const ask: fc.Arbitrary<Ask> = fc.record({
  aim: fc.nat(0xffff),
  intent: nameOf("."),
  target: nameOf("/"),
  payload: payloadText,
  atMs: fc.oneof(
    { weight: 3, arbitrary: fc.constant(30_000) },
    { weight: 1, arbitrary: fc.constantFrom(-6_000, -1, 0, 51_000, 60_999, 61_000, 90_000) },
  ),
});

type Story = {
  readonly root: Pick<TokenClaims, "kind" | "permissions">;
  readonly maxDepth: number;
  readonly limits: ResourceLimits;
  readonly steps: readonly Step[];
  readonly isForActor: boolean;
  readonly asks: readonly Ask[];
};

export const attenuation = targetOf<Story>({
  name: "attenuation",
  inputs: fc.record({
    root: rootReach,
    maxDepth: fc.nat(7),
    limits: someLimits,
    steps: fc.array(step, { minLength: 1, maxLength: 7 }),
    isForActor: fc.boolean(),
    asks: fc.array(ask, { minLength: 1, maxLength: 16 }),
  }),
  check: ({ root, maxDepth, limits, steps, isForActor, asks }, saw) => {
    let chain = rootChain({ ...root, maxDepth, limits });
    let isRefused = false;
    for (const each of isForActor ? toActor(steps) : steps) {
      const signer = HOLDERS.find(({ publicKey }) => equalBytes(publicKey, chain.last.holder)) ?? keys.ann;
      const claims = following(chain.last, each);
      const byHand = signToken({ ...claims, parent: chain.last.hash }, signer, genesis.hash);
      const proper = attenuate(chain, claims, signer, genesis.hash);
      saw(proper.ok ? "narrowed" : codeOf(proper.error));
      if (!byHand.ok) {
        saw(codeOf(byHand.error));
        demand(!proper.ok, "`attenuate` makes a link that nobody reads");
        demand(beyondKind(claims.kind, claims.permissions) !== undefined, "a link of its kind is not read");
        continue;
      }
      const longer = must(chainOf([...chain.links, byHand.value]));
      const isSame = !proper.ok || equalBytes(chainBytes(proper.value), chainBytes(longer));
      demand(isSame, "`attenuate` makes another link than it is told");
      isRefused ||= !proper.ok;
      chain = longer;
    }
    const verifier = chainVerifier({
      revocations: inEpoch(chain.last.epoch),
      verify: verifyOnce(),
    });
    for (const each of asks) {
      const nowUnixMs = chain.root.notBeforeUnixMs + each.atMs;
      const { last } = chain;
      const other = last.kind === "agent" ? last.holder : { actor: last.holder };
      demand(
        !verifier.verify(chainBytes(chain), other, nowUnixMs).ok,
        "a key counts for an actor, or an actor for one",
      );
      const judged = verifier.verify(chainBytes(chain), userOf(last), nowUnixMs);
      saw(judged.ok ? "counts" : codeOf(judged.error));
      if (!judged.ok) continue;
      saw(`of ${last.kind}`);
      demand(!isRefused, "a chain counts with a link that `attenuate` refuses");
      checkBounds(judged.value, nowUnixMs);
      checkPermissions(judged.value, each, saw);
    }
  },
  show: (input) => fc.stringify(input),
  mustSee: [
    "of agent",
    "CAPABILITY_HOLDER_MISMATCH",
    "narrowed",
    "CAPABILITY_WIDENED",
    "counts",
    "authorised",
    "authorised for the kernel",
    "authorised for a graph",
    "CAPABILITY_MALFORMED",
    "of system",
  ],
  testRuns: 200,
});

function checkBounds({ links, root, last }: Chain, nowUnixMs: number): void {
  links.forEach(({ limits, kind, scope, epoch, maxDepth, ...link }, at) => {
    demand(nowUnixMs < link.notAfterUnixMs, `link ${at} is over`);
    demand(last.notBeforeUnixMs >= link.notBeforeUnixMs, `link ${at} begins after the last`);
    demand(last.notAfterUnixMs <= link.notAfterUnixMs, `link ${at} ends before the last`);
    demand(maxDepth >= links.length - 1 - at, `link ${at} is handed on more often than it may be`);
    demand(scope === root.scope && epoch === root.epoch, `link ${at} is of another scope or epoch`);
    const isLastOne = kind === "agent" && at === links.length - 1;
    const isOfKind = kind === root.kind || kind === "ephemeral" || isLastOne;
    demand(isOfKind, `link ${at} is of another kind`);
    demand(at === 0 || links[at - 1]?.kind !== "agent", `link ${at} follows an actor's`);
    demand(isLimitedBy(last.limits, limits), `link ${at} has a limit that the last exceeds`);
  });
}

function checkPermissions({ links, last }: Chain, asked: Ask, saw: Saw): void {
  const { intent, target, payload } = asked.aim % 2 === 1 ? aimed(last, asked.aim) : asked;
  const value = () => {
    const read = readJsonPayload(new TextEncoder().encode(payload));
    return read.ok ? read.value : undefined;
  };
  if (permits(last, intent, target, value) !== undefined) return;
  saw("authorised");
  saw(isOfKernel(target) ? "authorised for the kernel" : "authorised for a graph");
  links.forEach((link, at) => {
    const other = isOfKernel(target) ? "user" : "system";
    demand(
      link.kind !== other,
      `link ${at} is of kind ${other}, and the last permits ${intent} to ${target}`,
    );
    const isPermitted = permits(link, intent, target, value) === undefined;
    demand(
      isPermitted,
      `link ${at} does not permit ${intent} to ${target} with ${payload}, and the last does`,
    );
  });
}

const isLimitedBy = (inner: ResourceLimits, outer: ResourceLimits): boolean =>
  Object.entries(outer).every(([name, most]) => {
    const own: unknown = Reflect.get(inner, name);
    return typeof own === "number" && own <= most;
  });
