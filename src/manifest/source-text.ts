// A manifest's text by offsets: what turns a range of it into a problem with a
// line, a column and the line to show.
import type { Problem } from "./problem.ts";

export type ProblemText = Pick<Problem, "code" | "message" | "expected" | "suggestion">;

export class SourceText {
  readonly text: string;
  readonly #file: string;
  /** Offsets at which lines begin. Counted here: the parser's own count loses lines where a flow is broken off. */
  #starts: readonly number[] | undefined;

  constructor(text: string, file: string) {
    this.text = text;
    this.#file = file;
  }

  /** A problem at a range of offsets; a range over several lines is cut at the end of its first. */
  at(start: number, end: number, problem: ProblemText): Problem {
    const offset = Math.max(0, Math.min(start, this.text.length));
    const { line, lineStart } = this.#lineOf(offset);
    const column = offset - lineStart + 1;
    const newline = this.text.indexOf("\n", lineStart);
    const lineEnd = newline === -1 ? this.text.length : newline;
    const excerpt = this.text.slice(lineStart, lineEnd).replace(/\r$/, "");
    const wanted = Math.min(end, lineStart + excerpt.trimEnd().length) - lineStart + 1;
    const endColumn = Math.max(column + 1, wanted);
    return { ...problem, file: this.#file, line, column, endColumn, excerpt };
  }

  #lineOf(offset: number): { readonly line: number; readonly lineStart: number } {
    this.#starts ??= [0, ...[...this.text.matchAll(/\n/g)].map(({ index }) => index + 1)];
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, lineStart: this.#starts[low] ?? 0 };
  }
}
