// What the YAML parser complains about, in plain words. One mistake often draws
// several complaints; only the first of each line is told.
import type { Document, ErrorCode, YAMLError } from "yaml";
import type { Problem } from "./problem.ts";
import type { ProblemText, SourceText } from "./source-text.ts";

/** Of one document; what follows the first few is mostly their echo. */
const MAX_SYNTAX_PROBLEMS = 10;

export function syntaxProblems(document: Document.Parsed, source: SourceText): Problem[] {
  const lines = new Set<number>();
  const found = document.errors.map((error) => problemOf(error, source));
  const tooDeep = found.find(({ code }) => code === "MANIFEST_TOO_DEEP");
  if (tooDeep !== undefined) return [tooDeep];
  return found.filter(({ line }) => !lines.has(line) && lines.add(line)).slice(0, MAX_SYNTAX_PROBLEMS);
}

function problemOf(error: YAMLError, source: SourceText): Problem {
  const [start, end] = error.pos;
  const indent = tabIndent(source.text, start);
  if (indent !== undefined) {
    const expected = "spaces";
    return source.at(indent, indent + 1, { code: "MANIFEST_SYNTAX", message: TAB, expected });
  }
  return source.at(start, Math.max(end, start + 1), wordsOf(error));
}

const TAB = "a tab is used to indent";

/** Offset of the tab that indents the line of an offset. */
function tabIndent(text: string, offset: number): number | undefined {
  const lineStart = text.lastIndexOf("\n", Math.max(0, offset - 1)) + 1;
  const match = /^ *\t/.exec(text.slice(lineStart, lineStart + 256));
  return match === null ? undefined : lineStart + match[0].length - 1;
}

function wordsOf(error: YAMLError): ProblemText {
  if (error.code === "RESOURCE_EXHAUSTION") {
    return { code: "MANIFEST_TOO_DEEP", message: "the document is nested too deeply to be read" };
  }
  if (error.code === "BAD_ALIAS" || error.code === "ALIAS_PROPS") {
    return { code: "MANIFEST_ALIAS", message: "the alias is not taken", expected: "the value itself" };
  }
  if (error.code === "TAG_RESOLVE_FAILED") {
    return { code: "MANIFEST_ALIAS", message: "the tag is not taken", expected: "plain data" };
  }
  const words = WORDS[error.code];
  if (words === undefined) return { code: "MANIFEST_SYNTAX", message: lowered(error.message) };
  const [message, expected] = words;
  return { code: "MANIFEST_SYNTAX", message, expected };
}

const WORDS: Partial<Readonly<Record<ErrorCode, readonly [message: string, expected: string]>>> = {
  TAB_AS_INDENT: [TAB, "spaces"],
  BAD_INDENT: [
    "the line is not indented like its neighbours",
    "the same number of spaces on each line of a block",
  ],
  BLOCK_AS_IMPLICIT_KEY: ["a second `key: value` stands on the same line", "one `key: value` on a line"],
  BLOCK_IN_FLOW: ["a block stands inside { } or [ ]", "{ } or [ ] all the way in"],
  MULTILINE_IMPLICIT_KEY: ["a line has no `:` and its value", "`key: value`"],
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
