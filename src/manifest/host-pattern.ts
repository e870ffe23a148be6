// Hosts that a grant names: `api.example.com`, `*.example.org` (any name below it,
// never itself), `http://127.0.0.1:8080`. Without a scheme it is https, without a
// port the scheme's own, so that nothing is reached in the clear by omission.

export type HostPattern = {
  readonly scheme: "http" | "https";
  /** In the form that the WHATWG URL parser gives it; without `*.`. */
  readonly host: string;
  readonly below: boolean;
  readonly port: number;
};

/** What a URL names, in the same form. */
export type Origin = Omit<HostPattern, "below">;

const FORM =
  /^(?:(https?):\/\/)?(\*\.)?([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]{2,39}\])(?::(\d{1,5}))?$/;
const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** Undefined when it is no host pattern, or not in the form that URLs are brought into. */
export function parseHostPattern(text: string): HostPattern | undefined {
  const [, given, star, host, port] = FORM.exec(text) ?? [];
  if (host === undefined) return undefined;
  const scheme = given === "http" ? "http" : "https";
  const below = star !== undefined;
  // `*.com` would be half of the world.
  if (below && (!host.includes(".") || isAddress(host))) return undefined;
  if (canonical(host) !== host || host.includes("..")) return undefined;
  const number = port === undefined ? DEFAULT_PORTS[scheme] : Number(port);
  return number >= 1 && number <= 65_535 ? { scheme, host, below, port: number } : undefined;
}

/** The origin of an http or https URL. */
export function originOf(url: URL): Origin | undefined {
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  const scheme = url.protocol === "http:" ? "http" : "https";
  return { scheme, host: url.hostname, port: url.port === "" ? DEFAULT_PORTS[scheme] : Number(url.port) };
}

export function matchesHost(pattern: HostPattern, origin: Origin): boolean {
  if (pattern.scheme !== origin.scheme || pattern.port !== origin.port) return false;
  if (!pattern.below) return pattern.host === origin.host;
  return !isAddress(origin.host) && origin.host.endsWith(`.${pattern.host}`);
}

/** Whether a host of a URL is an address and no name. */
export const isAddress = (host: string): boolean =>
  host.startsWith("[") || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host);

function canonical(host: string): string | undefined {
  try {
    return new URL(`http://${host}/`).hostname;
  } catch {
    return undefined;
  }
}
