// What was asked of a tool, in words for the record: no contents, headers or query.
import { shortened } from "./contents.ts";
import { shownUrl } from "./http/url-policy.ts";

/** Of a payload that nothing has checked yet. */
export const askedOf = (intent: string, payload: unknown): string => shortened(wholeOf(intent, payload));

function wholeOf(intent: string, payload: unknown): string {
  const field = (name: string): unknown =>
    typeof payload === "object" && payload !== null ? Reflect.get(payload, name) : undefined;
  const text = (name: string): string => {
    const value = field(name);
    return typeof value === "string" ? value : "";
  };
  const args = field("args");
  switch (intent) {
    case "http.fetch":
      return `${text("method") || "GET"} ${shownUrl(text("url"))}`;
    case "exec":
      return shownProgram(text("program"), Array.isArray(args) ? args.map(wordOf) : []);
    default:
      return text("path") || intent;
  }
}

/** Objects are not asked for their text: it may be made to throw. */
const wordOf = (word: unknown): string => (typeof word === "string" ? word : `(${typeof word})`);

export const shownProgram = (program: string, args: readonly string[]): string =>
  [program, ...args].join(" ");
