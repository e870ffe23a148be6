// A manifest's text by offsets: what turns a range of it into a problem with a
// line, a column and the line to show.
import { LineCounter } from "yaml";
import type { Problem } from "./problem.ts";

export type ProblemText = Pick<Problem, "code" | "message" | "expected" | "suggestion">;

export class SourceText {
  readonly lines = new LineCounter();
  readonly text: string;
  readonly #file: string;

  constructor(text: string, file: string) {
    this.text = text;
    this.#file = file;
  }

  /** A problem at a range of offsets; a range over several lines is cut at the end of its first. */
  at(start: number, end: number, problem: ProblemText): Problem {
    const { line, col } = this.lines.linePos(Math.min(start, this.text.length));
    const column = Math.max(1, col);
    const lineStart = Math.max(0, Math.min(start, this.text.length) - column + 1);
    const newline = this.text.indexOf("\n", lineStart);
    const lineEnd = newline === -1 ? this.text.length : newline;
    const excerpt = this.text.slice(lineStart, lineEnd).replace(/\r$/, "");
    const wanted = Math.min(end, lineStart + excerpt.trimEnd().length) - lineStart + 1;
    const endColumn = Math.max(column + 1, wanted);
    return { ...problem, file: this.#file, line: Math.max(1, line), column, endColumn, excerpt };
  }
}
