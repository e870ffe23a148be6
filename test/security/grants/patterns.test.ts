import { describe, expect, test } from "vitest";
import { allows, areWithin, isPattern } from "../../../src/security/grants/patterns.ts";

/** All patterns of up to three tokens, and texts of up to five over one token more. */
const patterns = sequences(["a", "kernel", "*"], 3).flatMap((tokens) => [tokens, [...tokens, "**"]]);
const texts = sequences(["a", "b", "kernel"], 5);

function sequences(alphabet: readonly string[], longest: number): readonly (readonly string[])[] {
  const all: (readonly string[])[] = [];
  let last: readonly (readonly string[])[] = [[]];
  for (let length = 1; length <= longest; length += 1) {
    last = last.flatMap((tokens) => alphabet.map((token) => [...tokens, token]));
    all.push(...last);
  }
  return all;
}

describe.each([
  ["intents", "."],
  ["targets", "/"],
] as const)("a pattern of %s", (_, separator) => {
  const fitted = (pattern: string): ReadonlySet<string> =>
    new Set(
      texts
        .map((tokens) => tokens.join(separator))
        .filter((text) =>
          separator === "."
            ? allows({ intents: [pattern], targets: ["a"] }, text, "a")
            : allows({ intents: ["a"], targets: [pattern] }, "a", text),
        ),
    );
  const all = [...patterns.map((tokens) => tokens.join(separator)), "**"].map((pattern) => ({
    pattern,
    fits: fitted(pattern),
  }));

  test("is within another exactly when that fits all that it fits", () => {
    expect(all.every(({ pattern }) => isPattern(pattern, separator))).toBe(true);
    for (const inner of all) {
      for (const outer of all) {
        const isSubset = [...inner.fits].every((text) => outer.fits.has(text));
        const name = `${inner.pattern} within ${outer.pattern}`;
        expect([name, areWithin([inner.pattern], [outer.pattern], separator)]).toEqual([name, isSubset]);
      }
    }
  });
});
