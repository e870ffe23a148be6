// Takes a secret out of what a server sends back, in the forms in which servers
// echo what they got: as it is, escaped for JSON, HTML or URLs, in base64 (at every
// offset) and in hexadecimal. A server that transforms it otherwise on purpose is
// not stopped by this: it was given the secret by the grant.

const STAND_IN = Buffer.from("[secret]");

/** What to look for; made once a request. */
export type Needles = { readonly exact: readonly Buffer[]; readonly anyCase: readonly Buffer[] };

export function needlesOf(secrets: readonly string[]): Needles {
  const exact = secrets.flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    secret.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`),
    secret.replace(/[&<>"']/g, (character) => HTML[character] ?? character),
    ...base64Forms(secret),
  ]);
  const anyCase = secrets.flatMap((secret) => [
    Buffer.from(secret).toString("hex"),
    encodeURIComponent(secret),
    percentEncoded(secret),
  ]);
  return { exact: buffers(exact), anyCase: buffers(anyCase) };
}

const HTML: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Longest first, so that a form which holds another is taken out whole. */
const buffers = (texts: readonly string[]): readonly Buffer[] =>
  [...new Set(texts)]
    .filter((text) => text.length >= 6)
    .sort((a, b) => b.length - a.length)
    .map((text) => Buffer.from(text));

/** Within a longer base64 text it stands at one of three offsets; its ends mix with its neighbours and are left off. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((offset) => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
    const whole = padded.toString("base64").replace(/=+$/, "");
    const from = Math.ceil((offset * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    const core = whole.slice(from, to);
    return [core, core.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

const percentEncoded = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

export function redactBytes(bytes: Buffer, needles: Needles): Buffer {
  let clean = bytes;
  for (const needle of needles.exact) clean = replaceAll(clean, clean, needle);
  let view = lowered(clean);
  for (const needle of needles.anyCase) {
    const cut = replaceAll(clean, view, lowered(needle));
    if (cut === clean) continue;
    clean = cut;
    view = lowered(clean);
  }
  return clean;
}

export const redactText = (text: string, needles: Needles): string =>
  redactBytes(Buffer.from(text), needles).toString("utf8");

/** @param view the bytes as they are compared, of the same length */
function replaceAll(bytes: Buffer, view: Buffer, needle: Buffer): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = view.indexOf(needle); at >= 0; at = view.indexOf(needle, from)) {
    parts.push(bytes.subarray(from, at), STAND_IN);
    from = at + needle.length;
  }
  return parts.length === 0 ? bytes : Buffer.concat([...parts, bytes.subarray(from)]);
}

/** ASCII in lower case, byte by byte: a plain loop, a body has megabytes. */
function lowered(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 0; at < copy.length; at += 1) {
    const byte = copy[at] ?? 0;
    if (byte >= 0x41 && byte <= 0x5a) copy[at] = byte + 0x20;
  }
  return copy;
}
