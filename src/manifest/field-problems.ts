// zod's issues -> problems with a place, in a manifest's own words.
import type { z } from "zod";
import type { Problem } from "./problem.ts";
import { nearest } from "./suggest.ts";
import type { NodePath, ProblemText, YamlDocument } from "./yaml-document.ts";

type Issue = z.core.$ZodIssue;

/**
 * @param base path of the value that was checked
 * @param fields names of the fields that a map at this path may have
 */
export function fieldProblems(
  document: YamlDocument,
  base: NodePath,
  issues: readonly Issue[],
  fields: (path: NodePath) => readonly string[],
): Problem[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownField(document, path, key, fields(issue.path)));
    }
    if (issue.code === "invalid_union") return [unionProblem(document, path, issue, base, fields)];
    if (issue.code === "invalid_key") {
      return [
        document.problem(
          path,
          "key",
          invalid(`\`${String(path.at(-1))}\` does not fit`, keyExpectation(issue)),
        ),
      ];
    }
    if (isMissing(document, path)) {
      const field = String(path.at(-1));
      const text = { code: "MANIFEST_MISSING_FIELD", message: `\`${field}\` is missing` } as const;
      return [document.problem(path.slice(0, -1), "key", { ...text, ...expectation(issue) })];
    }
    return [document.problem(path, "value", valueProblem(issue, valueAt(document.value, path)))];
  });
}

function unknownField(
  document: YamlDocument,
  path: NodePath,
  key: string,
  fields: readonly string[],
): Problem {
  const suggestion = nearest(key, fields);
  return document.problem([...path, key], "key", {
    code: "MANIFEST_UNKNOWN_FIELD",
    message: `there is no field \`${key}\` here`,
    ...(fields.length === 0 ? {} : { expected: `one of ${fields.join(", ")}` }),
    ...(suggestion === undefined ? {} : { suggestion }),
  });
}

/** Of the alternatives, the one that failed for the fewest reasons was probably meant. */
function unionProblem(
  document: YamlDocument,
  path: NodePath,
  issue: Extract<Issue, { code: "invalid_union" }>,
  base: NodePath,
  fields: (path: NodePath) => readonly string[],
): Problem {
  const deepest = issue.errors.toSorted((a, b) => depthOf(b) - depthOf(a))[0];
  const nested = deepest?.map((each) => ({ ...each, path: [...issue.path, ...each.path] })) ?? [];
  const [first] = depthOf(deepest ?? []) > 0 ? fieldProblems(document, base, nested, fields) : [];
  return first ?? document.problem(path, "value", invalid("the value is of the wrong kind", undefined));
}

const depthOf = (issues: readonly Issue[]): number => Math.max(0, ...issues.map(({ path }) => path.length));

function isMissing(document: YamlDocument, path: NodePath): boolean {
  return path.length > 0 && valueAt(document.value, path) === undefined;
}

export function valueAt(value: unknown, path: NodePath): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

function valueProblem(issue: Issue, value: unknown): ProblemText {
  const shown = JSON.stringify(value);
  const what = shown === undefined || shown.length > 60 ? "the value does not fit" : `${shown} does not fit`;
  const problem = invalid(what, expectation(issue).expected);
  const words = issue.code === "invalid_value" ? issue.values.map(String) : [];
  const suggestion = typeof value === "string" ? nearest(value, words) : undefined;
  return suggestion === undefined ? problem : { ...problem, suggestion };
}

function expectation(issue: Issue): { readonly expected?: string } {
  switch (issue.code) {
    case "invalid_value":
      return {
        expected:
          issue.values.length === 1 ? `\`${String(issue.values[0])}\`` : `one of ${issue.values.join(", ")}`,
      };
    case "invalid_type":
      return { expected: typeNames[issue.expected] ?? issue.expected };
    case "too_small":
      return { expected: `at least ${issue.minimum}${unitOf(issue.origin)}` };
    case "too_big":
      return { expected: `at most ${issue.maximum}${unitOf(issue.origin)}` };
    default:
      return { expected: issue.message };
  }
}

const typeNames: Readonly<Record<string, string>> = {
  object: "a map",
  record: "a map",
  array: "a list",
  string: "a text",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
};

const unitOf = (origin: string): string =>
  origin === "array" ? " entries" : origin === "string" ? " characters" : "";

function keyExpectation(issue: Extract<Issue, { code: "invalid_key" }>): string | undefined {
  return issue.issues[0]?.message;
}

function invalid(message: string, expected: string | undefined): ProblemText {
  return { code: "MANIFEST_INVALID_VALUE", message, ...(expected === undefined ? {} : { expected }) };
}
