// Which addresses may be connected to. What counts is the address itself, in any of
// its spellings and wrappings, never the name that led to it. IPv6 is judged by
// what is allowed (global unicast), because what is not grows (IANA special-purpose
// address registries; RFC 6890, 6052, 3056, 4380).
import { isIPv4, isIPv6 } from "node:net";
import { CellError } from "../../../../errors/cell-error.ts";

export type AddressClass =
  | "public"
  /** Private, shared (RFC 6598) and benchmarking networks, unique local addresses. */
  | "private"
  | "loopback"
  /** Where clouds answer with credentials, and other link-local neighbours. */
  | "link-local"
  | "multicast"
  /** Unspecified, broadcast, documentation, transition mechanisms, not assigned. */
  | "reserved";

type Range = readonly [first: number, bits: number, kind: AddressClass];

const v4 = (text: string): number => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

/** The first that fits counts. */
const V4_RANGES: readonly Range[] = [
  // Metadata services outside of 169.254/16: Azure's and Alibaba's.
  [v4("168.63.129.16"), 32, "link-local"],
  [v4("100.100.100.200"), 32, "link-local"],
  [v4("0.0.0.0"), 8, "reserved"],
  [v4("10.0.0.0"), 8, "private"],
  [v4("100.64.0.0"), 10, "private"],
  [v4("127.0.0.0"), 8, "loopback"],
  [v4("169.254.0.0"), 16, "link-local"],
  [v4("172.16.0.0"), 12, "private"],
  [v4("192.0.0.0"), 24, "reserved"],
  [v4("192.0.2.0"), 24, "reserved"],
  [v4("192.88.99.0"), 24, "reserved"],
  [v4("192.168.0.0"), 16, "private"],
  [v4("198.18.0.0"), 15, "private"],
  [v4("198.51.100.0"), 24, "reserved"],
  [v4("203.0.113.0"), 24, "reserved"],
  [v4("224.0.0.0"), 4, "multicast"],
  [v4("240.0.0.0"), 4, "reserved"],
];

/** "reserved" for what is no address. */
export function classOf(address: string): AddressClass {
  if (isIPv4(address)) return classOfV4(v4(address));
  if (!isIPv6(address) || address.includes("%")) return "reserved";
  return classOfV6(groupsOf(address));
}

function classOfV4(address: number): AddressClass {
  for (const [first, bits, kind] of V4_RANGES) {
    const size = 2 ** (32 - bits);
    if (Math.floor(address / size) === Math.floor(first / size)) return kind;
  }
  return "public";
}

function classOfV6(groups: readonly number[]): AddressClass {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const embedded = classOfV4(g * 65_536 + h);
  const startsWithZeros = a + b + c + d === 0;
  // ::ffff:0:0/96 is mapped IPv4; ::/96, long deprecated, holds ::1 and ::.
  if (startsWithZeros && e === 0 && f === 0xffff) return embedded;
  if (startsWithZeros && e === 0 && f === 0 && g === 0 && h === 1) return "loopback";
  if (a === 0x64 && b === 0xff9b && c + d + e + f === 0) return embedded;
  if (a === 0x64 && b === 0xff9b && c === 1) return "private";
  // Metadata services: Amazon's and Google's.
  if ((a === 0xfd00 && b === 0xec2) || (a === 0xfd20 && b === 0xce)) return "link-local";
  if ((a & 0xfe00) === 0xfc00 || (a & 0xffc0) === 0xfec0) return "private";
  if ((a & 0xffc0) === 0xfe80) return "link-local";
  if ((a & 0xff00) === 0xff00) return "multicast";
  const isGlobal = (a & 0xe000) === 0x2000;
  const isSpecial = (a === 0x2001 && (b < 0x200 || b === 0xdb8)) || a === 0x2002 || (a & 0xfff0) === 0x3ff0;
  return isGlobal && !isSpecial ? "public" : "reserved";
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): readonly number[] {
  // The URL parser writes embedded IPv4 in hexadecimal.
  const host = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = "", tail] = host.split("::");
  const read = (part: string) =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [first, last] = [read(head), read(tail ?? "")];
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}

export type AddressRule = {
  readonly privateAddresses: boolean;
  /** The URL's host is this very address, which a grant lists. */
  readonly named: boolean;
};

/**
 * Undefined when it may be connected to. `privateAddresses` opens private and loopback
 * addresses; link-local ones, where metadata services answer, only when the grant also
 * lists the address itself; multicast and reserved ones are never reached.
 */
export function addressFault(
  address: string,
  { privateAddresses, named }: AddressRule,
): CellError | undefined {
  const kind = classOf(address);
  if (kind === "public") return undefined;
  if (privateAddresses && (kind === "private" || kind === "loopback")) return undefined;
  if (privateAddresses && named && kind === "link-local") return undefined;
  const remedy =
    kind === "multicast" || kind === "reserved"
      ? "Such addresses are never reached."
      : kind === "link-local"
        ? "Where this is meant, list the address itself in `hosts` and set `privateAddresses: true`."
        : undefined;
  return new CellError("TOOL_ADDRESS_FORBIDDEN", `the host leads to a ${kind} address`, {
    ...(remedy === undefined ? {} : { remedy }),
  });
}
