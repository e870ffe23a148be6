// zod's issues -> problems with a place, in a manifest's own words.
import type { z } from "zod";
import { TOKEN_PATTERN } from "./names.ts";
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
  const misspelt = new Set(issues.flatMap((issue) => meantFields(issue, fields)));
  return issues.flatMap((issue) => {
    const path = [...base, ...issue.path];
    // A field that is there under another name is not missing too.
    if (issue.code === "invalid_type" && misspelt.has(issue.path.join("/")) && isMissing(document, path))
      return [];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownField(document, path, key, fields(issue.path)));
    }
    if (issue.code === "invalid_union") return unionProblems(document, path, issue, base, fields);
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

/** Paths of the fields that unknown ones were probably meant to be. */
function meantFields(issue: Issue, fields: (path: NodePath) => readonly string[]): string[] {
  if (issue.code !== "unrecognized_keys") return [];
  const words = issue.keys.map((key) => nearest(key, fields(issue.path)));
  return words.flatMap((word) => (word === undefined ? [] : [[...issue.path, word].join("/")]));
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

/** Of the alternatives, the one whose mistakes lie deepest was probably meant. */
function unionProblems(
  document: YamlDocument,
  path: NodePath,
  issue: Extract<Issue, { code: "invalid_union" }>,
  base: NodePath,
  fields: (path: NodePath) => readonly string[],
): Problem[] {
  const deepest = issue.errors.toSorted((a, b) => depthOf(b) - depthOf(a))[0] ?? [];
  if (depthOf(deepest) > 0) {
    const nested = deepest.map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
    return fieldProblems(document, base, nested, fields);
  }
  const kinds = issue.errors.flatMap(([first]) => (first === undefined ? [] : [expectation(first).expected]));
  const expected = kinds.filter((kind) => kind !== undefined).join(" or ");
  return [document.problem(path, "value", invalid(shownAs(valueAt(document.value, path)), expected))];
}

/** Unknown fields count as one step deeper: their map was of the right kind. */
const depthOf = (issues: readonly Issue[]): number =>
  Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === "unrecognized_keys" ? 1 : 0)));

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
  const problem = invalid(shownAs(value), expectation(issue).expected);
  const suggestion = suggestionFor(issue, value);
  return suggestion === undefined ? problem : { ...problem, suggestion };
}

function shownAs(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list does not fit" : "a list does not fit";
  if (typeof value === "object" && value !== null) return "a map does not fit";
  const shown = JSON.stringify(value) ?? "nothing";
  return shown.length > 60 ? "the value does not fit" : `${shown} does not fit`;
}

function suggestionFor(issue: Issue, value: unknown): string | undefined {
  if (issue.code === "invalid_value" && typeof value === "string")
    return nearest(value, issue.values.map(String));
  const expected = expectation(issue).expected ?? "";
  if (expected.startsWith("a duration") && typeof value === "number" && value >= 0) return `${value}s`;
  if (expected.startsWith("a name") && (typeof value === "string" || typeof value === "number")) {
    const token = asToken(String(value));
    return token === String(value) ? JSON.stringify(token) : token;
  }
  return undefined;
}

/** `Triage_Bot` -> `triage-bot`; undefined when nothing is left. */
function asToken(text: string): string | undefined {
  const token = text
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replace(/^-+|-+$/g, "");
  return TOKEN_PATTERN.test(token) ? token : undefined;
}

function expectation(issue: Issue): { readonly expected?: string } {
  switch (issue.code) {
    case "invalid_value": {
      const [only, ...others] = issue.values.map(String);
      return { expected: others.length === 0 ? `\`${only}\`` : `one of ${issue.values.join(", ")}` };
    }
    case "invalid_type": {
      const own = issue.message.startsWith("Invalid input") ? undefined : issue.message;
      return { expected: own ?? typeNames[issue.expected] ?? issue.expected };
    }
    case "too_small":
      return { expected: `at least ${issue.minimum}${unitOf(issue)}` };
    case "too_big":
      return { expected: `at most ${issue.maximum}${unitOf(issue)}` };
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

function unitOf({
  origin,
  minimum,
  maximum,
}: {
  origin: string;
  minimum?: unknown;
  maximum?: unknown;
}): string {
  if (origin !== "array") return "";
  return (minimum ?? maximum) === 1 ? " entry" : " entries";
}

function keyExpectation(issue: Extract<Issue, { code: "invalid_key" }>): string | undefined {
  return issue.issues[0]?.message;
}

function invalid(message: string, expected: string | undefined): ProblemText {
  return { code: "MANIFEST_INVALID_VALUE", message, ...(expected === undefined ? {} : { expected }) };
}
