// A connection to an address that was judged, and to no other: the name is resolved
// once, every address that it has is judged, and the socket is opened to the address
// itself, so that no second look-up can answer differently (DNS rebinding). TLS
// still verifies the name.
import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { CellError } from "../../../../errors/cell-error.ts";
import { isAddress } from "../../../../manifest/host-pattern.ts";
import type { HttpGrant } from "../../../../manifest/tools.ts";
import { addressFault } from "./address-policy.ts";
import { fewAtATime } from "./look-up.ts";

export type NetPorts = {
  /** All addresses of a name; once the signal has aborted nobody waits for them. */
  readonly resolve: (name: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** Further certificate authorities, PEM; default: those of Node. */
  readonly authorities?: readonly string[];
};

/** By the operating system: /etc/hosts counts too. */
export const systemNet: NetPorts = {
  resolve: fewAtATime(async (name) =>
    (await lookup(name, { all: true, order: "verbatim" })).map(({ address }) => address),
  ),
};

const MAX_ADDRESSES = 4;
/** One of several addresses may swallow packets. */
const ATTEMPT_MS = 3_000;

/** Throws TOOL_ADDRESS_FORBIDDEN, TOOL_UNREACHABLE, or what the signal aborts with. */
export async function connectTo(
  url: URL,
  grant: Pick<HttpGrant, "privateAddresses">,
  net: NetPorts,
  signal: AbortSignal,
): Promise<Socket> {
  const addresses = await addressesOf(url, grant, net, signal);
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  let last: unknown;
  for (const [at, address] of addresses.entries()) {
    const isLast = at === addresses.length - 1;
    const attempt = isLast ? signal : AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]);
    try {
      const socket = await opened(connectTcp({ host: address, port }), "connect", attempt);
      if (url.protocol === "http:") return socket;
      return await secured(socket, url, net, signal);
    } catch (error) {
      signal.throwIfAborted();
      last = error;
    }
  }
  throw unreachable(last);
}

/** All of them must be allowed: a name that leads to a forbidden address beside another is not to be tried. */
async function addressesOf(
  url: URL,
  { privateAddresses }: Pick<HttpGrant, "privateAddresses">,
  net: NetPorts,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const named = isAddress(url.hostname);
  const found = named ? [host] : await resolved(host, net, signal);
  if (found.length === 0) throw unreachable(undefined);
  for (const address of found) {
    const fault =
      isIP(address) === 0 ? unreachable(undefined) : addressFault(address, { privateAddresses, named });
    if (fault !== undefined) throw fault;
  }
  return found.slice(0, MAX_ADDRESSES);
}

/** A look-up cannot be cancelled; its answer is no longer waited for. */
async function resolved(name: string, net: NetPorts, signal: AbortSignal): Promise<readonly string[]> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([net.resolve(name, signal), promise]);
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(error);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function secured(socket: Socket, url: URL, net: NetPorts, signal: AbortSignal): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const tls = connectTls({
    socket,
    // By it the certificate is verified; an address is no server name (RFC 6066, section 3).
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    ...(net.authorities === undefined ? {} : { ca: [...net.authorities] }),
  });
  return await opened(tls, "secureConnect", signal);
}

async function opened<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  const { promise, resolve, reject } = Promise.withResolvers<S>();
  const abort = () => reject(signal.reason);
  socket.once(event, () => resolve(socket));
  socket.once("error", reject);
  socket.once("close", () => reject(new Error("closed")));
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    return await promise;
  } catch (error) {
    // Whatever it still says is nobody's concern.
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** With the system's word, e.g. ECONNREFUSED, and no address. */
export function unreachable(cause: unknown): CellError {
  const word = cause instanceof Error && "code" in cause ? `: ${String(cause.code).slice(0, 64)}` : "";
  return new CellError("TOOL_UNREACHABLE", `the server cannot be reached${word}`, { cause });
}
