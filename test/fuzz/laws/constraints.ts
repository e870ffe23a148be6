// Whatever payload meets a constraint meets each one that it implies; and whatever a pattern fits
// is fitted by the patterns that it lies within, whatever was asked of them before.
import fc from "fast-check";
import { type Constraint, holds, implies } from "../../../src/security/capability/constraint.ts";
import { type Grant, grantAllows } from "../../../src/security/grants/grants.ts";
import { allows, areWithin } from "../../../src/security/grants/patterns.ts";
import { readJsonPayload } from "../../../src/wire/json-payload.ts";
import { constraint, nameOf, near, patternOf, payloadFor, payloadText } from "../arbitrary-permission.ts";
import { demand } from "../demand.ts";
import { targetOf } from "../target.ts";

type Pair = {
  readonly inner: Constraint;
  readonly outer: Constraint;
  readonly payloads: readonly string[];
  /** Chooses a payload that meets the inner one. */
  readonly aim: number;
};

export const constraints = targetOf<Pair>({
  name: "constraints",
  inputs: fc
    .record({
      inner: fc.oneof({ weight: 4, arbitrary: fc.nat(0xffff) }, { weight: 1, arbitrary: constraint }),
      outer: constraint,
      payloads: fc.array(payloadText, { minLength: 1, maxLength: 8 }),
      aim: fc.nat(7),
    })
    .map(({ inner, outer, ...rest }) => ({
      inner: typeof inner === "number" ? { ...outer, rule: near(outer.rule, inner) } : inner,
      outer,
      ...rest,
    })),
  check: ({ inner, outer, payloads, aim }, saw) => {
    const isImplied = implies(inner, outer);
    saw(isImplied ? "implied" : "not implied");
    demand(implies(inner, inner), "it does not imply itself");
    for (const text of [payloadFor([inner], aim), ...payloads]) {
      const read = readJsonPayload(new TextEncoder().encode(text));
      const value = read.ok ? read.value : undefined;
      if (!isImplied || !holds(inner, value)) continue;
      saw("implied, and met");
      demand(holds(outer, value), `${text} meets what implies, and not what is implied`);
    }
  },
  show: (input) => fc.stringify(input),
  mustSee: ["implied", "not implied", "implied, and met"],
  testRuns: 2_000,
});

type Fit = {
  readonly separator: "." | "/";
  readonly inner: readonly string[];
  readonly outer: readonly string[];
  readonly names: readonly string[];
};

export const patterns = targetOf<Fit>({
  name: "patterns",
  inputs: fc.constantFrom("." as const, "/" as const).chain((separator) =>
    fc.record({
      separator: fc.constant(separator),
      inner: fc.array(patternOf(separator), { minLength: 1, maxLength: 2 }),
      outer: fc.array(patternOf(separator), { minLength: 1, maxLength: 2 }),
      names: fc.array(nameOf(separator), { minLength: 1, maxLength: 12 }),
    }),
  ),
  check: ({ separator, inner, outer, names }, saw) => {
    const isWithin = areWithin(inner, outer, separator);
    saw(isWithin ? "within" : "not within");
    demand(areWithin(inner, inner, separator), "it does not lie within itself");
    const isIntent = separator === ".";
    const grantOf = (all: readonly string[]): Grant =>
      isIntent ? { intents: all, targets: ["**"] } : { intents: ["**"], targets: all };
    const [narrow, wide] = [grantOf(inner), grantOf(outer)];
    const remembering = [narrow];
    for (const name of [...names, ...names]) {
      const [intent, target] = isIntent ? [name, "a"] : ["a", name];
      const isFitted = allows(narrow, intent, target);
      const isRemembered = grantAllows(remembering, intent, target) === isFitted;
      demand(isRemembered, `what was allowed before changes whether ${name} is`);
      if (!isWithin || !isFitted) continue;
      saw("within, and fitted");
      demand(
        allows(wide, intent, target),
        `${name} is fitted by what lies within, and not by what it lies in`,
      );
    }
  },
  show: (input) => fc.stringify(input),
  mustSee: ["within", "not within", "within, and fitted"],
  testRuns: 2_000,
});
