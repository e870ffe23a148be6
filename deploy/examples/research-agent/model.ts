// Stands in for a language model that does all that it is told, by whoever wrote
// what it reads. Lines of a document that begin with `> ` are calls, as JSON.
import { z } from "zod";

export const call = z.object({
  target: z.string(),
  intent: z.string(),
  payload: z.record(z.string(), z.unknown()).default({}),
});
export type Call = z.infer<typeof call>;

/** The calls that a document asks for, in its order; what is no call is prose. */
export function callsOf(document: string): readonly Call[] {
  return document.split("\n").flatMap((line) => {
    if (!line.startsWith("> ")) return [];
    const read = call.safeParse(jsonOf(line.slice(2)));
    return read.success ? [read.data] : [];
  });
}

/** `{{last}}` in a call stands for all that the last tool gave back. */
export function filledIn({ target, intent, payload }: Call, last: string): Call {
  const fields = Object.entries(payload).map(([name, value]) => [
    name,
    typeof value === "string" ? value.replaceAll("{{last}}", last) : value,
  ]);
  return { target, intent, payload: Object.fromEntries(fields) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
