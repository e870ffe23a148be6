import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Constraint, isExact, type Scalar } from "../../../src/security/capability/constraint.ts";
import { formatConstraint, parseConstraint } from "../../../src/security/capability/constraint-text.ts";

describe("a constraint as people write it", () => {
  test.for<[text: string, path: string, rule: Constraint["rule"]]>([
    ["/amount <= 10", "/amount", { kind: "range", least: undefined, most: 10 }],
    ["/amount>=-1.5", "/amount", { kind: "range", least: -1.5, most: undefined }],
    ["/state in open,closed", "/state", { kind: "oneOf", values: ["open", "closed"] }],
    ['/state in ["open", 2, null]', "/state", { kind: "oneOf", values: ["open", 2, null] }],
    ["/name = ann", "/name", { kind: "equals", value: "ann" }],
    ['/name="10"', "/name", { kind: "equals", value: "10" }],
    ["/count = 10", "/count", { kind: "equals", value: 10 }],
    ["/is~1on = true", "/is~1on", { kind: "equals", value: true }],
    ["/file ^= docs/en/", "/file", { kind: "prefix", prefix: "docs/en/" }],
    ["/file ^= 10", "/file", { kind: "prefix", prefix: "10" }],
    ["/tags within r,w", "/tags", { kind: "subset", values: ["r", "w"] }],
    ["/text length <= 100", "/text", { kind: "maxLength", length: 100 }],
    ["/text length<=100", "/text", { kind: "maxLength", length: 100 }],
    ['"/a b" = 1', "/a b", { kind: "equals", value: 1 }],
    ['/a ^= "10"', "/a", { kind: "prefix", prefix: "10" }],
    ["payload length <= 3", "", { kind: "maxLength", length: 3 }],
  ])("%s", ([text, path, rule]) => {
    expect(parseConstraint(text)).toEqual({ path, rule });
  });

  test.each([
    "",
    "/amount",
    "/amount <= ten",
    "/amount <= 1e999",
    "/amount <= 9007199254740993",
    "amount <= 10",
    "/a~2 = 1",
    "/state in open,,closed",
    "/state in [[1]]",
    '/name = "unended',
    "/name = {}",
    "/text length <= 1.5",
    "/text length <= -1",
    "/text matches .*",
    "/state == open",
    "/amount => 10",
    "/amount != 10",
    "/state index",
    "/amount in 1,1e999",
    "/file ^== docs/",
    '/file ^= "docs/',
    '/file ^= "\\ud800"',
    '"/a b = 1',
    '"a b" = 1',
    "/state =~ open",
    "/__proto__ = 1",
    `/a = ${"x".repeat(5_000)}`,
  ])("%j is none", (text) => {
    expect(parseConstraint(text)).toBeUndefined();
  });

  test("is read as what it is shown as", () => {
    const scalar: fc.Arbitrary<Scalar> = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 20 }),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .filter((each) => isExact(each) && !Object.is(each, -0)),
      fc.boolean(),
      fc.constant(null),
    );
    const values = fc.array(scalar, { minLength: 1, maxLength: 5 });
    const bound = fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((each) => isExact(each) && !Object.is(each, -0));
    const constraint: fc.Arbitrary<Constraint> = fc.record({
      path: fc.stringMatching(/^(?:\/(?:[a-z0-9_. ="!<-]|~[01]){0,8}){0,3}$/),
      rule: fc.oneof(
        scalar.map((value) => ({ kind: "equals" as const, value })),
        values.map((each) => ({ kind: "oneOf" as const, values: each })),
        values.map((each) => ({ kind: "subset" as const, values: each })),
        fc.string({ maxLength: 20 }).map((prefix) => ({ kind: "prefix" as const, prefix })),
        bound.map((least) => ({ kind: "range" as const, least, most: undefined })),
        bound.map((most) => ({ kind: "range" as const, least: undefined, most })),
        fc.nat().map((length) => ({ kind: "maxLength" as const, length })),
      ),
    });
    fc.assert(
      fc.property(constraint, (each) => {
        expect(parseConstraint(formatConstraint(each))).toEqual(each);
      }),
      { numRuns: 2_000 },
    );
  });

  test("with two bounds shows both", () => {
    const rule = { kind: "range", least: 0, most: 10 } as const;
    expect(formatConstraint({ path: "/n", rule })).toBe("/n >= 0 and <= 10");
  });
});
