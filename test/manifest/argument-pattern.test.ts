import fc from "fast-check";
import { expect, test } from "vitest";
import { matchesArgument, parseArgumentPattern } from "../../src/manifest/argument-pattern.ts";

const matches = (pattern: string, argument: string): boolean => {
  const parsed = parseArgumentPattern(pattern);
  if (parsed === undefined) throw new Error(`${pattern} is no pattern`);
  return matchesArgument(parsed, argument);
};

test.each<[string, readonly string[], readonly string[]]>([
  ["[0-9]{1,3}", ["1", "999"], ["", "1000", "a", "1a", "-1"]],
  ["v\\d+\\.\\d+", ["v1.2", "v10.20"], ["v1", "1.2", "v1.2.3", "v1x2"]],
  [".*", ["", "anything at all", "ünïcode 😀"], ["-x", "--help", "a\nb", "\u0000", "\u0007"]],
  [".+", ["x"], ["", "-x"]],
  ["-n\\d?", ["-n", "-n5"], ["n", "-n55"]],
  ["--[a-z]+", ["--short"], ["--", "-short"]],
  ["-?x", ["x"], ["-x"]],
  ["[-a]x", ["ax"], ["-x"]],
  ["[^/]{2,}", ["ab", "a.b"], ["a", "a/b", "-ab", "a\nb"]],
  ["[a-cx.]*", ["abcx.", ""], ["d", "abcd"]],
  ["a{3}", ["aaa"], ["aa", "aaaa"]],
  ["\\w+@\\w+", ["ann_1@host"], ["ann@", "@host", "a b@c"]],
  ["😀{2}", ["😀😀"], ["😀"]],
  ["", [""], ["x"]],
])("%s", (pattern, fitting, others) => {
  for (const argument of fitting) expect([argument, matches(pattern, argument)]).toEqual([argument, true]);
  for (const argument of others) expect([argument, matches(pattern, argument)]).toEqual([argument, false]);
});

test.each([
  "(a|b)",
  "a|b",
  "^a",
  "a$",
  "[a",
  "[]",
  "[z-a]",
  "a{2,1}",
  "a{x}",
  "a{",
  "a**",
  "*a",
  "\\s",
  "\\b",
  "\\",
  "\\1",
  "(?:a)",
  "a{9999}",
  "[[:alpha:]]",
  "a\nb",
  ")",
  "]",
])("%j is no pattern", (pattern) => {
  expect(parseArgumentPattern(pattern)).toBeUndefined();
});

test("matches what the same regular expression matches", () => {
  const atom = fc.constantFrom("a", "b", "[ab]", "[^a]", ".", "\\d", "\\w", "0");
  const quantifier = fc.constantFrom("", "*", "+", "?", "{2}", "{1,3}", "{2,}");
  const pattern = fc
    .array(fc.tuple(atom, quantifier), { maxLength: 6 })
    .map((parts) => parts.flat().join(""));
  const argument = fc.string({ unit: fc.constantFrom("a", "b", "0", "_"), maxLength: 12 });
  fc.assert(
    fc.property(pattern, argument, (source, text) => {
      expect(matches(source, text)).toBe(new RegExp(`^(?:${source})$`, "u").test(text));
    }),
    { numRuns: 500 },
  );
});
