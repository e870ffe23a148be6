import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkGrants, grantAllows } from "../../../src/security/grants/grants.ts";
import { isPattern } from "../../../src/security/grants/patterns.ts";
import { codeOf } from "../cell-fixture.ts";

const allows = (intentPattern: string, targetPattern: string, intent: string, target: string) =>
  grantAllows([{ intents: [intentPattern], targets: [targetPattern] }], intent, target);

/** The definition, token by token, without cleverness. */
function bruteMatch(pattern: readonly string[], tokens: readonly string[]): boolean {
  const [wanted, ...pattern1] = pattern;
  const [token, ...tokens1] = tokens;
  if (wanted === undefined) return token === undefined;
  if (token === undefined) return false;
  if (wanted === "**") return pattern1.length === 0;
  return (wanted === "*" || wanted === token) && bruteMatch(pattern1, tokens1);
}

const token = fc.constantFrom("a", "b", "ab", "-", "0");
const tokens = fc.array(token, { minLength: 1, maxLength: 8 });
const pattern = fc
  .tuple(
    fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 7 }),
    fc.option(fc.constant("**"), { nil: "*" }),
  )
  .map(([head, last]) => [...head, last]);

describe("a grant", () => {
  test.each([
    ["ticket.open", "support/triage", true],
    ["ticket.open", "support/triage/x", false],
    ["tickets.open", "support/triage", false],
    ["ticket", "support/triage", false],
    ["ticket.close", "support/triage", true],
    ["ticket.open", "support", false],
    ["ticket.open", "supporter/triage", false],
  ])("of ticket.* to support/* with %s to %s: %s", (intent, target, expected) => {
    expect(allows("ticket.*", "support/*", intent, target)).toBe(expected);
  });

  test("** stands for one token or more, never for none", () => {
    expect(allows("**", "support/**", "a", "support")).toBe(false);
    expect(allows("**", "support/**", "a", "support/a")).toBe(true);
    expect(allows("**", "support/**", "a.b.c", "support/a/b/c")).toBe(true);
  });

  test("matches exactly what its definition says, by tokens only", () => {
    fc.assert(
      fc.property(pattern, tokens, (wanted, given) => {
        const expected = bruteMatch(wanted, given);
        expect(allows(wanted.join("."), "**", given.join("."), "a")).toBe(expected);
        expect(allows("**", wanted.join("/"), "a", given.join("/"))).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  test("reaches the kernel only by its name", () => {
    for (const wide of ["**", "*/**", "*/*", "*/graph"])
      expect(allows("**", wide, "graph.get", "kernel/graph")).toBe(false);
    for (const named of ["kernel/**", "kernel/*", "kernel/graph"]) {
      expect(allows("**", named, "graph.get", "kernel/graph")).toBe(true);
    }
    expect(allows("**", "**", "a", "kernels/graph")).toBe(true);
    expect(allows("**", "*", "a", "kernel")).toBe(false);
  });

  test("needs intent and target in the same grant", () => {
    const grants = [
      { intents: ["a"], targets: ["x"] },
      { intents: ["b"], targets: ["y"] },
    ];
    expect(grantAllows(grants, "a", "x")).toBe(true);
    expect(grantAllows(grants, "a", "y")).toBe(false);
    expect(grantAllows([], "a", "x")).toBe(false);
  });

  test("never matches empty or malformed names, whatever the pattern", () => {
    for (const name of ["", "/", "a//b", "a/"]) expect(allows("**", "**", "a", name)).toBe(false);
    for (const name of ["", ".", "a..b", ".a"]) expect(allows("**", "**", name, "a")).toBe(false);
  });
});

describe("a pattern", () => {
  test.each([
    "",
    "**/a",
    "a/**/b",
    "a*",
    "*a",
    "***",
    "a//b",
    "/a",
    "a/",
    "A",
    "a.b",
    "a b",
    "a/>",
    "a/b/c/d/e/f/g/h/i",
  ])("%j is refused as a target", (text) => {
    expect(isPattern(text, "/")).toBe(false);
    expect(codeOf(checkGrants([{ intents: ["**"], targets: [text] }]))).toBe("AUTHORITY_GRANT_INVALID");
  });

  test.each(["a", "*", "**", "a/*", "*/b", "a/*/c/**", "a/b/c/d/e/f/g/h"])(
    "%j is taken as a target",
    (text) => {
      expect(isPattern(text, "/")).toBe(true);
    },
  );

  test("lists are bounded, and not empty", () => {
    const one = { intents: ["a"], targets: ["a"] };
    expect(codeOf(checkGrants(Array.from({ length: 65 }, () => one)))).toBe("AUTHORITY_GRANT_INVALID");
    expect(codeOf(checkGrants([{ intents: [], targets: ["a"] }]))).toBe("AUTHORITY_GRANT_INVALID");
    expect(codeOf(checkGrants([{ intents: ["a"], targets: Array.from({ length: 65 }, () => "a") }]))).toBe(
      "AUTHORITY_GRANT_INVALID",
    );
  });

  test("is judged in time linear in its length, however hostile", () => {
    const hostile = `${"*/".repeat(100_000)}**`;
    expect(isPattern(hostile, "/")).toBe(false);
    expect(allows("**", `${"*/".repeat(7)}a`, "a", "b/".repeat(100_000))).toBe(false);
  });
});
