// Text on a terminal: width without colour codes, and nothing that steers the
// terminal from outside. Whatever a cell sends is shown through `plain`.
import { stripVTControlCharacters } from "node:util";

/** Columns that it takes, colours not counted. */
export const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length;

export const padEnd = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - widthOf(text)));
export const padStart = (text: string, width: number): string =>
  " ".repeat(Math.max(0, width - widthOf(text))) + text;

/** Control characters as escapes, line ends kept on request. */
export function plain(text: string, options: { readonly lines?: boolean } = {}): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (found) => {
    if (options.lines === true && (found === "\n" || found === "\t")) return found;
    return `\\u${found.codePointAt(0)?.toString(16).padStart(4, "0")}`;
  });
}

/** `1 actor`, `2 actors`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
