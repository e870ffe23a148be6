// What is wrong with a manifest: each mistake with its code, its place and what
// was expected there.
import type { ErrorCode } from "../errors/registry.ts";

export type ProblemCode = Extract<ErrorCode, `MANIFEST_${string}`>;

export type Problem = {
  readonly code: ProblemCode;
  /** One sentence without a full stop. */
  readonly message: string;
  readonly file: string;
  /** From 1; 0 when it is about the file as a whole. */
  readonly line: number;
  readonly column: number;
  /** Column after the last character of the offending text, on the same line. */
  readonly endColumn: number;
  /** The line that it stands on. */
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

const MAX_EXCERPT = 160;

/** `file:line:column: CODE: what`, the line with the text underlined, what was expected. */
export function renderProblem(problem: Problem, colors: ProblemColors = plain): string {
  const { code, message, file, line, column, endColumn, excerpt, expected, suggestion } = problem;
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  const lines = [`${colors.bold(place)}: ${colors.error(code)}: ${message}`];
  if (line > 0) {
    const gutter = String(line);
    const marks = "^".repeat(Math.max(1, Math.min(endColumn, MAX_EXCERPT) - column));
    lines.push(`  ${colors.dim(`${gutter} |`)} ${excerpt.slice(0, MAX_EXCERPT)}`);
    lines.push(
      `  ${colors.dim(`${" ".repeat(gutter.length)} |`)} ${" ".repeat(column - 1)}${colors.error(marks)}`,
    );
  }
  if (expected !== undefined) lines.push(`  expected: ${expected}`);
  if (suggestion !== undefined) lines.push(`  did you mean \`${suggestion}\`?`);
  return lines.join("\n");
}

export const renderProblems = (problems: readonly Problem[], colors: ProblemColors = plain): string =>
  problems.map((problem) => renderProblem(problem, colors)).join("\n\n");
