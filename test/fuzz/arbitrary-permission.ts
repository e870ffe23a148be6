// Permissions, and intents to ask of them, over so few words that they meet: most parts of one are
// a narrower, equal or slightly wider form of a part of another.
import fc from "fast-check";
import type { Constraint, Rule, Scalar } from "../../src/security/capability/constraint.ts";
import type { Permission } from "../../src/security/capability/permission.ts";

const token = fc.constantFrom("a", "b", "kernel", "*", "*");

export const patternOf = (separator: "." | "/"): fc.Arbitrary<string> =>
  fc
    .tuple(fc.array(token, { maxLength: 3 }), fc.boolean())
    .map(([tokens, isOpen]) => [...tokens, ...(isOpen || tokens.length === 0 ? ["**"] : [])].join(separator));

export const nameOf = (separator: "." | "/"): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom("a", "b", "kernel"), { minLength: 1, maxLength: 4 })
    .map((all) => all.join(separator));

const TEXTS = ["", "a", "ab", "abc", "b", "\ud800", "\u00e4", "1", "null"];
const NUMBERS = [
  ...[0, 1, 2, 3, -1, 0.5, 1.5, 1e-7, 0.1 + 0.2],
  ...[Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 2 ** 53 - 2],
];
/** As a token can hold them. */
const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.constantFrom(...NUMBERS),
  fc.constantFrom(true, false, null),
);
const values = fc.array(scalar, { minLength: 1, maxLength: 4 });
const bound = fc.option(fc.constantFrom(...NUMBERS), { nil: undefined });

const rule: fc.Arbitrary<Rule> = fc.oneof(
  scalar.map((value): Rule => ({ kind: "equals", value })),
  values.map((each): Rule => ({ kind: "oneOf", values: each })),
  // Text of a token is well-formed: a lone surrogate has no UTF-8.
  fc.constantFrom("", "a", "ab", "\u00e4").map((prefix): Rule => ({ kind: "prefix", prefix })),
  fc.tuple(bound, bound).map(([least, most]): Rule => ({ kind: "range", least, most })),
  values.map((each): Rule => ({ kind: "subset", values: each })),
  fc.nat(4).map((length): Rule => ({ kind: "maxLength", length })),
);
const PATHS = ["", "/x", "/x/0", "/y", "/__x"];
export const constraint: fc.Arbitrary<Constraint> = fc.record({ path: fc.constantFrom(...PATHS), rule });

export const permission: fc.Arbitrary<Permission> = fc.record({
  intents: fc.array(patternOf("."), { minLength: 1, maxLength: 2 }),
  targets: fc.array(patternOf("/"), { minLength: 1, maxLength: 2 }),
  constraints: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(constraint, { maxLength: 2 })),
});

const SCALARS: readonly Scalar[] = [...TEXTS, ...NUMBERS, true, false, null];

/** A rule that is about another: narrower than it, equal, or wider by little; `n` chooses. */
export function near(outer: Rule, n: number): Rule {
  const more = SCALARS[(n >> 4) % SCALARS.length] ?? "";
  const limit = NUMBERS[(n >> 4) % NUMBERS.length] ?? 0;
  const form = n & 3;
  switch (outer.kind) {
    case "oneOf":
    case "subset": {
      const chosen = (n >> 2) % outer.values.length;
      const some = outer.values.filter((_, at) => at === chosen || ((n >> (at + 4)) & 1) === 1);
      if (form === 0) return { kind: "equals", value: outer.values[chosen] ?? null };
      return { ...outer, values: form === 1 ? [...some, more] : some };
    }
    case "equals":
      if (form === 0) return { kind: "equals", value: more };
      return { kind: "oneOf", values: form === 1 ? [outer.value, more] : [outer.value] };
    case "prefix": {
      const longer = outer.prefix + (["", "a", "b", "ab"][(n >> 2) & 3] ?? "");
      if (form === 0) return { kind: "prefix", prefix: longer.slice(1) };
      return form === 1 ? { kind: "equals", value: longer } : { kind: "prefix", prefix: longer };
    }
    case "range":
      if (form === 0) return { kind: "equals", value: limit };
      return form === 1 ? { ...outer, least: limit } : { ...outer, most: form === 2 ? limit : outer.most };
    case "maxLength":
      if (form === 0) return { kind: "equals", value: more };
      return { kind: "maxLength", length: Math.max(0, outer.length + 1 - ((n >> 2) & 3)) };
  }
}

/** A JSON value that is about to meet a rule, as text: also in forms that JSON.stringify never writes. */
const NUMERALS = [
  "0",
  "-0",
  "1",
  "1.0",
  "10e-1",
  "2",
  "9007199254740991",
  "9007199254740992",
  "1e400",
  "0.3",
];
const scalarText = fc.oneof(
  scalar.map((value) => JSON.stringify(value)),
  fc.constantFrom(...NUMERALS, '"\\u0061"', '"\\ud800"'),
);
const listText = fc.oneof(
  fc.array(scalarText, { maxLength: 5 }).map((all) => `[${all.join(",")}]`),
  fc.constantFrom(1_024, 1_025).map((length) => `[${Array(length).fill('"a"').join(",")}]`),
);
const part = fc.oneof(
  { weight: 6, arbitrary: scalarText },
  { weight: 3, arbitrary: listText },
  { weight: 1, arbitrary: fc.constantFrom("{}", '{"0":"a"}', '{"__proto__":"a"}', '{"length":1}', "[[]]") },
);
const key = fc.constantFrom('"x"', '"y"', '"\\u0078"', '"__x"', '"__proto__"', '"0"');

/** A payload, sometimes no JSON. */
export const payloadText: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(fc.tuple(key, part), { maxLength: 3 })
      .map((all) => `{${all.map(([name, value]) => `${name}:${value}`).join(",")}}`),
  },
  { weight: 2, arbitrary: part },
  { weight: 1, arbitrary: fc.constantFrom("", "{", "nul", "\ufeff{}", "[".repeat(100) + "]".repeat(100)) },
);

/** A payload that meets these, as far as their parts can lie beside each other; `n` chooses among several. */
export function payloadFor(constraints: readonly Constraint[], n: number): string {
  const parts = constraints.map(({ path, rule: each }) => [path.slice(1), valueFor(each, n)] as const);
  const whole = parts.find(([name]) => name === "")?.[1];
  return JSON.stringify(whole ?? Object.fromEntries(parts));
}

function valueFor(rule: Rule, n: number): unknown {
  switch (rule.kind) {
    case "equals":
      return rule.value;
    case "oneOf":
      return rule.values[n % rule.values.length];
    case "subset":
      return rule.values.slice(n % rule.values.length);
    case "prefix":
      return `${rule.prefix}b`;
    case "range":
      return (n & 4) === 0 ? (rule.least ?? rule.most ?? 1) : (rule.most ?? rule.least ?? 1);
    case "maxLength":
      return "a".repeat(rule.length);
  }
}
