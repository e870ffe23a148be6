// Which headers an actor may send, and what a secret becomes among them. Headers
// that frame the message, name the host or the route, or change the method belong
// to the kernel: a grant is judged by what those say.
import { CellError } from "../../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../../errors/result.ts";
import type { SecretHeader } from "../../../../manifest/tools.ts";

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
/** Printable ASCII and tabs within: no line ends, no bytes that servers read differently. */
const VALUE = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/;
const MAX_HEADERS = 64;
const MAX_HEADER_BYTES = 16 * 1024;

const REFUSED: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "http2-settings",
  "via",
  "forwarded",
  "x-real-ip",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-url",
  "x-rewrite-url",
  "accept-encoding",
]);
const REFUSED_PREFIXES = ["proxy-", "x-forwarded-", "sec-"] as const;

/** Names in lower case. TOOL_REQUEST_INVALID. */
export function checkHeaders(
  headers: Readonly<Record<string, string>>,
  secret: SecretHeader | undefined,
): Result<ReadonlyMap<string, string>, CellError> {
  const checked = new Map<string, string>();
  let bytes = 0;
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase();
    if (!TOKEN.test(given)) return invalid("a header's name is not a token");
    if (!VALUE.test(value))
      return invalid(`the value of header \`${name}\` holds what is not printable ASCII`);
    if (REFUSED.has(name) || REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix))) {
      return invalid(`the header \`${name}\` is the kernel's to set`);
    }
    if (name === secret?.header) return invalid(`the header \`${name}\` carries the grant's secret`);
    if (checked.has(name)) return invalid(`the header \`${name}\` stands twice`);
    checked.set(name, value);
    bytes += name.length + value.length + 4;
  }
  if (checked.size > MAX_HEADERS || bytes > MAX_HEADER_BYTES) {
    return invalid(`there are more than ${MAX_HEADERS} headers, or ${MAX_HEADER_BYTES} bytes of them`);
  }
  return ok(checked);
}

/** Shorter values stand in texts by chance, and could not be kept out of answers. */
export const MIN_SECRET_CHARS = 8;

/** The header's value. TOOL_SECRET_UNUSABLE, never with the value. */
export function secretValue({ name, format }: SecretHeader, secret: string): Result<string, CellError> {
  const value = format.replace("{}", () => secret);
  if (secret.length < MIN_SECRET_CHARS || !VALUE.test(secret) || !VALUE.test(value)) {
    const what = `the secret \`${name}\` is shorter than ${MIN_SECRET_CHARS} characters, or no printable ASCII`;
    return err(new CellError("TOOL_SECRET_UNUSABLE", what));
  }
  return ok(value);
}

/** Those that say who asks: they stay behind when a redirect leads to another origin. */
const PERSONAL: readonly string[] = ["authorization", "cookie", "x-api-key", "origin", "referer"];

export const withoutPersonal = (headers: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...headers].filter(([name]) => !PERSONAL.includes(name) && !/auth|token|secret|key/.test(name)));

const invalid = (what: string) => err(new CellError("TOOL_REQUEST_INVALID", what));
