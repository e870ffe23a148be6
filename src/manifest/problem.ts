// What is wrong with a manifest: each mistake with its code, its place and what
// was expected there.
import type { ErrorCode } from "../errors/registry.ts";
import { displayWidth, excerptAround, visible } from "./excerpt.ts";

export type ProblemCode = Extract<ErrorCode, `MANIFEST_${string}`>;

export type Problem = {
  readonly code: ProblemCode;
  /** One sentence without a full stop. */
  readonly message: string;
  readonly file: string;
  /** From 1; 0 when it is about the file as a whole. */
  readonly line: number;
  /** From 1, in UTF-16 units, as editors count. */
  readonly column: number;
  /** Column after the last character of the offending text, on the same line. */
  readonly endColumn: number;
  /** The line that it stands on, as it is in the file. */
  readonly excerpt: string;
  readonly expected?: string;
  /** Nearest valid word. */
  readonly suggestion?: string;
};

/** Colours of the rendering, each a function of the text; the default changes nothing. */
export type ProblemColors = {
  readonly error: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
};
const plain: ProblemColors = { error: (text) => text, dim: (text) => text, bold: (text) => text };

/** `file:line:column: CODE: what`, the line with the text underlined, what was expected. */
export function renderProblem(problem: Problem, colors: ProblemColors = plain): string {
  const { code, line, column, expected, suggestion } = problem;
  const file = visible(problem.file);
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  const lines = [`${colors.bold(place)}: ${colors.error(code)}: ${visible(problem.message)}`];
  if (line > 0) lines.push(...underlined(problem, colors));
  if (expected !== undefined) lines.push(`  expected: ${visible(expected)}`);
  if (suggestion !== undefined) lines.push(`  did you mean \`${visible(suggestion)}\`?`);
  return lines.join("\n");
}

function underlined({ line, column, endColumn, excerpt }: Problem, colors: ProblemColors): readonly string[] {
  const { before, marked, after } = excerptAround(excerpt, column - 1, endColumn - 1);
  const gutter = String(line);
  const marks = "^".repeat(Math.max(1, displayWidth(marked)));
  return [
    `  ${colors.dim(`${gutter} |`)} ${before}${marked}${after}`,
    `  ${colors.dim(`${" ".repeat(gutter.length)} |`)} ${" ".repeat(displayWidth(before))}${colors.error(marks)}`,
  ];
}

export const renderProblems = (problems: readonly Problem[], colors: ProblemColors = plain): string =>
  problems.map((problem) => renderProblem(problem, colors)).join("\n\n");
