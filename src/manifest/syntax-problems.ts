// What the YAML parser complains about, in plain words. One mistake often draws
// several complaints; only the first of each line is told.
import {
  type Document,
  type ErrorCode,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  type YAMLError,
} from "yaml";
import type { Problem } from "./problem.ts";
import type { ProblemText, SourceText } from "./source-text.ts";

/** Of one document; what follows the first few is mostly their echo. */
const MAX_SYNTAX_PROBLEMS = 10;
/** Each may take a walk through the document. */
const MAX_LOOKED_AT = 50;
const TAB = "a tab is used to indent";

export function syntaxProblems(document: Document.Parsed, source: SourceText): Problem[] {
  const tooDeep = document.errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
  if (tooDeep !== undefined) return [problemOf(tooDeep, document, source)];
  const found = document.errors.slice(0, MAX_LOOKED_AT).map((error) => problemOf(error, document, source));
  const tabs = found.filter(({ message }) => message === TAB);
  const lines = new Set<number>();
  return (tabs.length > 0 ? tabs : found)
    .filter(({ line }) => !lines.has(line) && lines.add(line))
    .slice(0, MAX_SYNTAX_PROBLEMS);
}

function problemOf(error: YAMLError, document: Document.Parsed, source: SourceText): Problem {
  const [start, end] = error.pos;
  const indent = tabIndent(source.text, start);
  if (indent !== undefined) {
    return source.at(indent, indent + 1, { code: "MANIFEST_SYNTAX", message: TAB, expected: "spaces" });
  }
  if (error.code === "RESOURCE_EXHAUSTION") {
    const line = firstOfLine(source.text, start);
    const message = "the document is nested too deeply to be read";
    return source.at(line, line + 1, { code: "MANIFEST_TOO_DEEP", message });
  }
  const closer = /(?:end with a?|missing closing) ?([}\]"'])/i.exec(error.message)?.[1];
  if (closer !== undefined) {
    const opened = openedBefore(document.contents, start, closer);
    const message = "what begins here is not closed";
    const at = opened ?? start;
    return source.at(at, at + 1, { code: "MANIFEST_SYNTAX", message, expected: `a closing \`${closer}\`` });
  }
  const from =
    source.text[start] === " " ? start + (/^ +/.exec(source.text.slice(start))?.[0].length ?? 0) : start;
  return source.at(from, Math.max(end, from + 1), wordsOf(error));
}

/** Offset of the innermost quote or bracket that a closer is missing for. */
function openedBefore(node: unknown, offset: number, closer: string): number | undefined {
  if (!isNode(node) || (node.range?.[0] ?? offset) >= offset) return undefined;
  let last: number | undefined;
  if (isScalar(node) && /^QUOTE/.test(node.type ?? "") && /["']/.test(closer)) last = node.range?.[0];
  if (isCollection(node)) {
    if (node.flow === true && isMap(node) === (closer === "}")) last = node.range?.[0];
    for (const item of node.items) {
      const parts = isPair(item) ? [item.key, item.value] : [item];
      for (const part of parts) last = openedBefore(part, offset, closer) ?? last;
    }
  }
  return last;
}

/** Offset of the tab that indents the line of an offset. */
function tabIndent(text: string, offset: number): number | undefined {
  const lineStart = text.lastIndexOf("\n", Math.max(0, offset - 1)) + 1;
  const match = /^ *\t/.exec(text.slice(lineStart, lineStart + 256));
  return match === null ? undefined : lineStart + match[0].length - 1;
}

function firstOfLine(text: string, offset: number): number {
  const lineStart = text.lastIndexOf("\n", Math.max(0, offset - 1)) + 1;
  return lineStart + (/^ */.exec(text.slice(lineStart, lineStart + 256))?.[0].length ?? 0);
}

function wordsOf(error: YAMLError): ProblemText {
  if (error.code === "BAD_ALIAS" || error.code === "ALIAS_PROPS") {
    return { code: "MANIFEST_ALIAS", message: "the alias is not taken", expected: "the value itself" };
  }
  if (error.code === "TAG_RESOLVE_FAILED") {
    return { code: "MANIFEST_ALIAS", message: "the tag is not taken", expected: "plain data" };
  }
  const words = MESSAGES.find(([pattern]) => pattern.test(error.message))?.[1] ?? WORDS[error.code];
  if (words === undefined) return { code: "MANIFEST_SYNTAX", message: lowered(error.message) };
  const [message, expected] = words;
  return { code: "MANIFEST_SYNTAX", message, expected };
}

type Words = readonly [message: string, expected: string];

const NOT_ALIGNED: Words = [
  "the line is not indented like its neighbours",
  "the same number of spaces on each line of a block",
];

/** Complaints that share a code with others. */
const MESSAGES: readonly (readonly [RegExp, Words])[] = [
  [/without - indicator/, NOT_ALIGNED],
  [/^Implicit map keys need/, ["the line has no `:` and its value", "`key: value`"]],
  [/^Missing ,/, ["a comma is missing before this", "`,` between the items"]],
  [/^Comments must be separated/, ["a `#` stands right after a text", "a space before a comment's `#`"]],
];

const WORDS: Partial<Readonly<Record<ErrorCode, Words>>> = {
  TAB_AS_INDENT: [TAB, "spaces"],
  BAD_INDENT: NOT_ALIGNED,
  BLOCK_AS_IMPLICIT_KEY: ["a second `key: value` stands on the same line", "one `key: value` on a line"],
  BLOCK_IN_FLOW: ["a block stands inside { } or [ ]", "{ } or [ ] all the way in"],
  MULTILINE_IMPLICIT_KEY: ["the line has no `:` and its value", "`key: value`"],
  KEY_OVER_1024_CHARS: ["the key is longer than 1024 characters", "a short key"],
  BAD_DQ_ESCAPE: [
    "the text in double quotes has an unknown escape",
    "`\\\\` for a backslash, or single quotes",
  ],
  BAD_SCALAR_START: ["a text cannot begin with this character", "the text in quotes"],
};

function lowered(message: string): string {
  const first = (message.split("\n", 1)[0] ?? "")
    .replace(/ at line \d+, column \d+:?$/, "")
    .replace(/[.:]$/, "");
  return first.charAt(0).toLowerCase() + first.slice(1);
}
