import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Constraint,
  holds,
  implies,
  isPointer,
  type Rule,
} from "../../../src/security/capability/constraint.ts";

const scalar = fc.constantFrom("", "a", "ab", "abc", "b", 0, 1, 2, 5.5, true, false, null);
const values = fc.array(scalar, { minLength: 1, maxLength: 4 });
const rule: fc.Arbitrary<Rule> = fc.oneof(
  scalar.map((value): Rule => ({ kind: "equals", value })),
  values.map((each): Rule => ({ kind: "oneOf", values: each })),
  fc.constantFrom("", "a", "ab").map((prefix): Rule => ({ kind: "prefix", prefix })),
  fc
    .tuple(fc.option(fc.nat(3), { nil: undefined }), fc.option(fc.nat(6), { nil: undefined }))
    .map(([least, most]): Rule => ({ kind: "range", least, most })),
  values.map((each): Rule => ({ kind: "subset", values: each })),
  fc.nat(3).map((length): Rule => ({ kind: "maxLength", length })),
);
const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 4 }), fc.constant({}));
const at = (path: string, each: Rule): Constraint => ({ path, rule: each });

describe("a constraint", () => {
  test("that implies another holds nowhere where that does not", () => {
    const property = fc.property(rule, rule, value, (inner, outer, part) => {
      const isImplied = implies(at("/x", inner), at("/x", outer));
      if (isImplied && holds(at("/x", inner), { x: part }))
        expect(holds(at("/x", outer), { x: part })).toBe(true);
    });
    fc.assert(property, { numRuns: 20_000 });
  });

  test("implies itself, and none on another part", () => {
    fc.assert(
      fc.property(rule, (each) => {
        expect(implies(at("/x", each), at("/x", each))).toBe(true);
        expect(implies(at("/x", each), at("/y", each))).toBe(false);
      }),
    );
  });

  test.for<[outer: Rule, narrower: readonly Rule[], wider: readonly Rule[]]>([
    [
      { kind: "oneOf", values: ["a", "b"] },
      [
        { kind: "equals", value: "a" },
        { kind: "oneOf", values: ["b"] },
      ],
      [
        { kind: "equals", value: "c" },
        { kind: "oneOf", values: ["a", "c"] },
        { kind: "prefix", prefix: "a" },
      ],
    ],
    [
      { kind: "prefix", prefix: "docs/" },
      [
        { kind: "prefix", prefix: "docs/en/" },
        { kind: "equals", value: "docs/x" },
      ],
      [
        { kind: "prefix", prefix: "doc" },
        { kind: "equals", value: "src" },
      ],
    ],
    [
      { kind: "range", least: 0, most: 10 },
      [
        { kind: "range", least: 1, most: 10 },
        { kind: "equals", value: 3 },
      ],
      [
        { kind: "range", least: -1, most: 10 },
        { kind: "range", least: undefined, most: 5 },
        { kind: "equals", value: "3" },
      ],
    ],
    [
      { kind: "subset", values: ["r", "w"] },
      [{ kind: "subset", values: ["r"] }],
      [
        { kind: "subset", values: ["r", "x"] },
        { kind: "maxLength", length: 1 },
      ],
    ],
    [
      { kind: "maxLength", length: 3 },
      [
        { kind: "maxLength", length: 2 },
        { kind: "equals", value: "abc" },
      ],
      [
        { kind: "maxLength", length: 4 },
        { kind: "equals", value: "abcd" },
        { kind: "prefix", prefix: "a" },
      ],
    ],
  ])("%o is implied by what is narrower alone", ([outer, narrower, wider]) => {
    for (const inner of narrower)
      expect([inner, implies(at("", inner), at("", outer))]).toEqual([inner, true]);
    for (const inner of wider) expect([inner, implies(at("", inner), at("", outer))]).toEqual([inner, false]);
  });

  test.for<[path: string, payload: unknown, isThere: boolean]>([
    ["", "x", true],
    ["/a", { a: "x" }, true],
    ["/a/b", { a: { b: "x" } }, true],
    ["/list/1", { list: [0, "x"] }, true],
    ["/list/01", { list: [0, "x"] }, false],
    ["/a~1b/m~0n", { "a/b": { "m~n": "x" } }, true],
    ["/a", {}, false],
    ["/a/b", { a: "x" }, false],
    ["/toString", {}, false],
    ["/length", ["x"], false],
    ["/a", null, false],
    ["/a", undefined, false],
  ])("on %s of %o: the part is there: %s", ([path, payload, isThere]) => {
    expect(isPointer(path)).toBe(true);
    expect(holds(at(path, { kind: "equals", value: "x" }), payload)).toBe(isThere);
  });

  test.for(["a", "/__proto__", "/a~2", "/~", "/a/b/c/d/e/f/g/h/i", `/${"a".repeat(256)}`])(
    "%s is no pointer",
    (path) => {
      expect(isPointer(path)).toBe(false);
    },
  );
});
