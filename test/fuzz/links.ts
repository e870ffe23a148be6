// Links of a chain, as a holder may make them and as one may not: mostly narrower than their parent
// in some way, sometimes wider by a hair, now and then anything at all.
import fc from "fast-check";
import { equalBytes } from "../../src/security/bytes.ts";
import { actorHolder } from "../../src/security/capability/holder.ts";
import type { Permission } from "../../src/security/capability/permission.ts";
import {
  LIMIT_NAMES,
  limitsIn,
  type ResourceLimits,
  type Token,
  type TokenClaims,
  type TokenKindName,
} from "../../src/security/capability/token.ts";
import { everything, tokenClaims } from "../security/capability/token-fixture.ts";
import { genesis, keyOf, keys } from "../security/cell-fixture.ts";
import { constraint, near, payloadFor, permission } from "./arbitrary-permission.ts";

/** Who may hold a token. */
export const HOLDERS = [keys.ann, keys.bob, keyOf(8), keyOf(9)];

/** Of a root: any of them, from none to every one. */
export const someLimits: fc.Arbitrary<ResourceLimits> = fc
  .array(fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }), {
    ...{ minLength: LIMIT_NAMES.length, maxLength: LIMIT_NAMES.length },
  })
  .map((most) => limitsIn((name) => most[LIMIT_NAMES.indexOf(name)]));

/**
 * Of a root: kind and permissions, of kind `user` and `system` with targets of that kind. Others may have either
 * sort.
 */
export const rootReach: fc.Arbitrary<Pick<TokenClaims, "kind" | "permissions">> = fc
  .tuple(
    fc.constantFrom(...(["user", "user", "system", "system", "ephemeral", "federation"] as const)),
    fc.array(permission, { minLength: 1, maxLength: 3 }),
  )
  .map(([kind, all]) => ({
    kind,
    permissions: all.map((each) => ({
      ...each,
      targets: each.targets.map((target) => within(kind, target)),
    })),
  }));

function within(kind: TokenKindName, target: string): string {
  const [first = "", ...rest] = target.split("/");
  if (kind === "user") return [first === "kernel" ? "b" : first, ...rest].join("/");
  return kind === "system" ? ["kernel", ...(first === "**" ? ["**"] : rest)].join("/") : target;
}

/** Actors that may. */
export const ACTORS = ["a/b", "b/kernel"] as const;

/** Path of the actor that holds it; undefined: whoever does has a key. */
export const actorOf = ({ kind, holder }: TokenClaims): string | undefined =>
  kind === "agent" ? ACTORS.find((path) => equalBytes(actorHolder(genesis.hash, path), holder)) : undefined;

/** How a link follows from its parent. */
export type Step = {
  /** Which permissions of the parent's are taken over, and how each is narrowed. */
  readonly keep: readonly number[];
  readonly literal: string;
  readonly constrain: readonly Permission["constraints"][number][];
  readonly choice: number;
  /** In their place: anything. */
  readonly anything: readonly Permission[] | undefined;
  /** What else of the link differs from what is safe. */
  readonly other: "none" | (typeof SAFE)[number] | (typeof WIDER)[number];
  readonly holder: number;
};

const SAFE = ["sooner", "ephemeral", "limited", "agent"] as const;
const OTHERS = ["user", "system", "federation"] as const;
const WIDER = ["unlimited", "raised", "kind", "scope", "epoch", "begin", "end", "depth"] as const;

export const step: fc.Arbitrary<Step> = fc.record({
  keep: fc.array(fc.nat(7), { minLength: 1, maxLength: 3 }),
  literal: fc.constantFrom("a", "a", "b", "b", "kernel"),
  constrain: fc.array(constraint, { maxLength: 1 }),
  choice: fc.nat(0xffff),
  anything: fc.oneof(
    { weight: 11, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.array(permission, { minLength: 1, maxLength: 2 }) },
  ),
  other: fc.oneof(
    { weight: 80, arbitrary: fc.constant("none" as const) },
    { weight: 12, arbitrary: fc.constantFrom(...SAFE) },
    { weight: 8, arbitrary: fc.constantFrom(...WIDER) },
  ),
  holder: fc.nat(HOLDERS.length - 1),
});

/** The same steps, the last of which hands it to an actor. */
export const toActor = (steps: readonly Step[]): readonly Step[] =>
  steps.map((each, at) => (at === steps.length - 1 ? { ...each, other: "agent" } : each));

export function following(parent: Token, each: Step): TokenClaims {
  const permissions = each.anything ?? each.keep.map((at) => narrowed(parent.permissions, at, each));
  const { kind, limits, notBeforeUnixMs, notAfterUnixMs, scope, epoch } = parent;
  const holder = HOLDERS[each.holder]?.publicKey ?? keys.ann.publicKey;
  const maxDepth = Math.max(0, parent.maxDepth - 1);
  const safe = tokenClaims({
    ...{ permissions, kind, limits, notBeforeUnixMs, notAfterUnixMs, scope, epoch, holder, maxDepth },
    parent: parent.hash,
  });
  return { ...safe, ...differing(safe, parent, each) };
}

function differing(safe: TokenClaims, parent: Token, { other, choice, holder }: Step): Partial<TokenClaims> {
  const limits = Object.entries(parent.limits);
  const chosen = LIMIT_NAMES[choice % LIMIT_NAMES.length] ?? "calls";
  switch (other) {
    case "none":
      return {};
    case "sooner":
      return { notAfterUnixMs: Math.max(safe.notBeforeUnixMs + 1, safe.notAfterUnixMs - 10_000) };
    case "ephemeral":
      return { kind: "ephemeral" };
    case "agent":
      return {
        kind: "agent",
        maxDepth: 0,
        holder: actorHolder(genesis.hash, ACTORS[holder % 2 === 0 ? 0 : 1]),
      };
    case "limited":
      return { limits: { [chosen]: 3, ...halved(parent.limits) } };
    case "unlimited":
      return { limits: Object.fromEntries(limits.slice(1)) };
    case "raised":
      return { limits: { ...parent.limits, [chosen]: (parent.limits[chosen] ?? 0) + 1 } };
    case "kind":
      return { kind: OTHERS[choice % OTHERS.length] ?? "user" };
    case "scope":
      return { scope: `${parent.scope}-x` };
    case "epoch":
      return { epoch: parent.epoch + 1 };
    case "begin":
      return { notBeforeUnixMs: parent.notBeforeUnixMs - 1 };
    case "end":
      return { notAfterUnixMs: parent.notAfterUnixMs + 1 };
    case "depth":
      return { maxDepth: parent.maxDepth };
  }
}

const halved = (limits: ResourceLimits): ResourceLimits =>
  limitsIn((name) => (limits[name] === undefined ? undefined : Math.floor(limits[name] / 2)));

/** One of the parent's, with words in place of its wildcards, and its constraints nearly as they are. */
function narrowed(all: readonly Permission[], at: number, { literal, constrain, choice }: Step): Permission {
  const { intents, targets, constraints } = all[at % all.length] ?? everything;
  const fixed = (separator: string) => (pattern: string, index: number) => {
    const tokens = pattern.split(separator);
    const isChosen = (place: number) => ((choice >> (index + place)) & 1) === 1;
    return tokens
      .map((token, place) => (isChosen(place) ? worded(token, literal, separator, tokens.length) : token))
      .join(separator);
  };
  const closer = constraints.map(({ path, rule }, index) => ({
    path,
    rule: ((choice >> index) & 3) === 0 ? near(rule, choice) : rule,
  }));
  return {
    intents: intents.map(fixed(".")),
    targets: targets.map(fixed("/")),
    constraints: [...closer, ...constrain].slice(0, 4),
  };
}

/** Of a pattern with so many tokens. */
const worded = (token: string, literal: string, separator: string, tokens: number): string => {
  if (token === "*") return literal;
  return token === "**" && tokens < 6 ? `${literal}${separator}**` : token;
};

/** What is near to one of its permissions, as far as that can be told from its patterns and constraints. */
export function aimed(
  { permissions }: Token,
  aim: number,
): { readonly intent: string; readonly target: string; readonly payload: string } {
  const { intents, targets, constraints } = permissions[aim % permissions.length] ?? everything;
  const named = (patterns: readonly string[], separator: string) =>
    (patterns[aim % patterns.length] ?? "a")
      .split(separator)
      .map((token) =>
        token === "*" ? "b" : token === "**" ? ["a", `b${separator}kernel`][aim & 2 ? 1 : 0] : token,
      )
      .join(separator);
  const payload = payloadFor(constraints, aim);
  return { intent: named(intents, "."), target: named(targets, "/"), payload };
}
