// Which grant, if any, allows a request to a URL. The URL is read once, by the
// WHATWG parser, and what that made of it is what is judged and later connected
// to: decimal and octal addresses, mixed case and dot segments have one form then.
import { CellError } from "../../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../../errors/result.ts";
import { matchesHost, type Origin, originOf, parseHostPattern } from "../../../../manifest/host-pattern.ts";
import type { HttpGrant, HttpMethod } from "../../../../manifest/tools.ts";
import { notGranted } from "../tool-call.ts";

/** Control characters and spaces, which the parser drops in silence, and the backslash, which it reads as a slash. */
const NEVER_IN_URL = /[\p{Cc}\s\\]/u;
const MAX_DECODES = 3;

/** TOOL_REQUEST_INVALID for what is never taken, whatever is granted. */
export function parseUrl(text: string, base?: URL): Result<URL, CellError> {
  if (NEVER_IN_URL.test(text)) return invalid("the URL holds a space, a control character or a backslash");
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url === undefined) return invalid("the URL cannot be read");
  if (originOf(url) === undefined)
    return invalid(`the scheme ${url.protocol.slice(0, 32)} is not http or https`);
  if (url.username !== "" || url.password !== "") return invalid("the URL holds a user name or a password");
  if (url.hostname.endsWith(".")) return invalid("the host ends in a dot");
  url.hash = "";
  return ok(url);
}

/** The first grant that allows it; otherwise what is missing, and the entry that would allow it. */
export function findGrant(
  actor: string,
  grants: readonly HttpGrant[],
  method: HttpMethod,
  url: URL,
): Result<HttpGrant, CellError> {
  const origin = originOf(url);
  const forHost = origin === undefined ? [] : grants.filter((grant) => reaches(grant, origin));
  const how = `http: [{ hosts: [${hostOf(url)}], methods: [${method}], paths: [${url.pathname.slice(0, 200)}] }]`;
  if (forHost.length === 0) return err(notGranted(actor, `no grant reaches ${hostOf(url)}`, how));
  const forMethod = forHost.filter(({ methods }) => methods.includes(method));
  if (forMethod.length === 0)
    return err(notGranted(actor, `no grant allows ${method} to ${hostOf(url)}`, how));
  const found = forMethod.find(({ paths }) => paths.some((pattern) => matchesPath(pattern, url.pathname)));
  if (found !== undefined) return ok(found);
  const what = `no grant allows ${method} of ${url.pathname.slice(0, 200)} at ${hostOf(url)}`;
  return err(notGranted(actor, what, how));
}

const reaches = ({ hosts }: HttpGrant, origin: Origin): boolean =>
  hosts.some((host) => {
    const pattern = parseHostPattern(host);
    return pattern !== undefined && matchesHost(pattern, origin);
  });

/** As a grant would name it. */
function hostOf(url: URL): string {
  return url.protocol === "http:" ? `http://${url.host}` : url.host;
}

/** `*` stands for one segment that is not empty, a last `**` for any rest. */
export function matchesPath(pattern: string, pathname: string): boolean {
  if (pattern === "/**") return true;
  if (mayEscape(pathname)) return false;
  const wanted = pattern.split("/");
  const segments = pathname.split("/");
  const open = wanted.at(-1) === "**";
  const fixed = open ? wanted.length - 1 : wanted.length;
  if (open ? segments.length <= fixed : segments.length !== fixed) return false;
  return wanted
    .slice(0, fixed)
    .every((part, at) => (part === "*" ? segments[at] !== "" : part === segments[at]));
}

/**
 * Whether a server that decodes once more, or drops path parameters, may read dots or
 * slashes where this reads a name: `/v1/..%2fadmin`, `/v1/%252e%252e/admin`, `/v1/..;/admin`.
 */
export function mayEscape(pathname: string): boolean {
  let path = pathname;
  for (let round = 0; round < MAX_DECODES; round += 1) {
    const decoded = decodeOnce(path);
    if (decoded === undefined) return true;
    const segments = decoded.split("/").map((segment) => segment.split(";", 1)[0]);
    if (segments.some((segment) => segment === "." || segment === "..")) return true;
    if (decoded === path) return false;
    if (decoded.split("/").length !== path.split("/").length || /[\\\0]/.test(decoded)) return true;
    path = decoded;
  }
  return true;
}

function decodeOnce(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** For records: without query, which may hold what should not be kept. */
export function shownUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return "a URL that cannot be read";
  return `${url.protocol}//${url.host}${url.pathname}${url.search === "" ? "" : "?..."}`;
}

const invalid = (what: string) => err(new CellError("TOOL_REQUEST_INVALID", what));
