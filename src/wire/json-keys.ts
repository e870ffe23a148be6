// JSON.parse, right about keys that are written with escapes. V8 (that of Node 26 at least) compares
// such a key as it stands with one that it has read before: once it has read `{"~":0,"\\":0}`, it
// reads `{"~":0,"\n":0}` as that, too. So what a payload says would depend on who sent what before.
// Keys are therefore handed to it without escapes, those that need one under another name.

/** Begins the other names. Nobody outside can know it, and so none of their keys begins so. */
const MARK = `cell0:${crypto.getRandomValues(new Uint32Array(4)).join("-")}:`;

/** As JSON.parse; throws what it throws. A reviver sees the other names. */
export function parseJson(text: string, reviver?: (key: string, value: unknown) => unknown): unknown {
  if (!text.includes("\\")) return JSON.parse(text, reviver);
  const parts: string[] = [];
  const others = new Map<string, string>();
  let copied = 0;
  for (const { from, to } of escapedKeys(text)) {
    const name: unknown = JSON.parse(text.slice(from, to));
    const plain = JSON.stringify(name);
    parts.push(
      text.slice(copied, from),
      plain.includes("\\") ? JSON.stringify(otherName(String(name), others)) : plain,
    );
    copied = to;
  }
  if (copied === 0) return JSON.parse(text, reviver);
  const value: unknown = JSON.parse(parts.join("") + text.slice(copied), reviver);
  if (others.size > 0) rename(value, new Map([...others].map(([name, other]) => [other, name])));
  return value;
}

/** The same for the same name, so that the last of two equal keys counts. */
function otherName(name: string, others: Map<string, string>): string {
  const known = others.get(name) ?? `${MARK}${others.size}`;
  others.set(name, known);
  return known;
}

/** In place and without recursion, since a text may be nested as deep as JSON.parse reads it. */
function rename(value: unknown, names: ReadonlyMap<string, string>): void {
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const each = waiting.pop();
    if (typeof each !== "object" || each === null) continue;
    const members = Object.entries(each);
    for (const [, member] of members) waiting.push(member);
    if (!members.some(([key]) => names.has(key))) continue;
    // All of them anew, so that they keep their order.
    for (const [key] of members) Reflect.deleteProperty(each, key);
    for (const [key, member] of members) {
      // Also `__proto__` as a member of its own.
      const own = { value: member, configurable: true, enumerable: true, writable: true };
      Object.defineProperty(each, names.get(key) ?? key, own);
    }
  }
}

type Span = { readonly from: number; readonly to: number };

/** Texts with a backslash that a colon follows, quotes included: in one pass, whatever the text. */
function escapedKeys(text: string): readonly Span[] {
  const found: Span[] = [];
  for (let at = text.indexOf('"'); at >= 0; ) {
    const to = endOfText(text, at);
    if (isKey(text, to) && text.slice(at, to).includes("\\")) found.push({ from: at, to });
    at = text.indexOf('"', to);
  }
  return found;
}

/** Behind the closing quote; the end of all where there is none. */
function endOfText(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return at + 1;
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (" \t\n\r".includes(text.charAt(at)) && at < text.length) at += 1;
  return text.charAt(at) === ":";
}
