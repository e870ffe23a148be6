// Whether a chain of tokens counts now, for whoever signed with its holder's key. What a signature
// or a comparison says never changes, and is remembered; time, epoch and standing are judged anew.
import { perSecond } from "../../collections/per-second.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { equalBytes, mapKey, sha256 } from "../bytes.ts";
import { MAX_CLOCK_SKEW_MS } from "../clock/clock-skew.ts";
import type { TrustStore } from "../trust/trust-store.ts";
import { MAX_CAPABILITY_BYTES } from "../wire/capsule.ts";
import { type Chain, checkLinks, readChain, type Verify } from "./chain.ts";
import { KnownChains } from "./known-chains.ts";

/** Chains that are read a second for each holder, in any form; and links whose signatures are verified. */
const READ_EACH = 128;
const LINKS = { all: 512, each: 64 };

export type ChainPorts = {
  readonly genesisHash: Uint8Array;
  /** Whether this key may sign roots now. */
  readonly isAuthority: (key: Uint8Array, nowUnixMs: number) => boolean;
  /** Whether this key is certified now, for whoever hands a token on. */
  readonly isStanding: (key: Uint8Array, nowUnixMs: number) => boolean;
  readonly epochOf: (scope: string) => number;
  /** How far a minter's clock may be ahead of this one, milliseconds. */
  readonly skewMs: number;
  /** Default: the quick way. */
  readonly verify?: Verify;
};

/** Verifies chains, and remembers of each what never changes. */
export class ChainVerifier {
  readonly #ports: ChainPorts;
  readonly #known = new KnownChains();
  readonly #mayRead = perSecond({ all: Number.POSITIVE_INFINITY, each: READ_EACH });
  readonly #mayVerify = perSecond(LINKS);

  constructor(ports: ChainPorts) {
    this.#ports = ports;
  }

  /** Whether it counts now, for whoever signed with this key. Errors: CAPABILITY_*; never throws. */
  verify(bytes: Uint8Array, holder: Uint8Array, nowUnixMs: number): Result<Chain, CellError> {
    if (bytes.length > MAX_CAPABILITY_BYTES) return readChain(bytes);
    const [owner, name] = [mapKey(holder), mapKey(sha256(bytes))];
    const known = this.#known.get(owner, name);
    if (known !== undefined) {
      const fault = this.#faultNow(known, holder, nowUnixMs);
      return fault === undefined ? ok(known) : err(fault);
    }
    if (!this.#mayRead(owner, nowUnixMs)) return undecided();
    const read = readChain(bytes);
    if (!read.ok) return read;
    const chain = read.value;
    const fault = this.#faultNow(chain, holder, nowUnixMs);
    if (fault !== undefined) return err(fault);
    // What nobody could use takes nothing of what all share.
    if (!this.#mayVerify(owner, nowUnixMs, chain.links.length)) return undecided();
    const { genesisHash, verify } = this.#ports;
    const unsound = checkLinks(chain, genesisHash, verify);
    if (unsound !== undefined) return err(unsound);
    this.#known.keep(owner, name, chain, bytes.length);
    return read;
  }

  /** The cheap part, and the part that changes. */
  #faultNow({ links, root, last }: Chain, holder: Uint8Array, nowUnixMs: number): CellError | undefined {
    const { isAuthority, isStanding, epochOf, skewMs } = this.#ports;
    if (!equalBytes(last.holder, holder)) return new CellError("CAPABILITY_HOLDER_MISMATCH");
    if (nowUnixMs >= last.notAfterUnixMs) return new CellError("CAPABILITY_EXPIRED");
    if (nowUnixMs + skewMs < last.notBeforeUnixMs) return new CellError("CAPABILITY_NOT_YET_VALID");
    const epoch = epochOf(last.scope);
    if (last.epoch !== epoch) {
      const what = `its epoch in ${last.scope} is ${last.epoch}, the current one ${epoch}`;
      return new CellError("CAPABILITY_EPOCH_STALE", what);
    }
    if (!isAuthority(root.issuer, nowUnixMs)) return new CellError("CAPABILITY_AUTHORITY_UNKNOWN");
    const fallen = links.findIndex(({ issuer }, at) => at > 0 && !isStanding(issuer, nowUnixMs));
    if (fallen < 0) return undefined;
    return new CellError("CAPABILITY_HOLDER_WITHDRAWN", undefined, { where: `link ${fallen}` });
  }
}

/** The rules of a cell: a root is signed by an issuer's key; scopes are in their first epoch until one can be raised. */
export function cellChainVerifier(trust: TrustStore, ports: Partial<ChainPorts> = {}): ChainVerifier {
  return new ChainVerifier({
    genesisHash: trust.genesis.hash,
    isAuthority(key, nowUnixMs) {
      const known = trust.byKey(key, nowUnixMs);
      return known.ok && known.value.kind === "issuer";
    },
    isStanding: (key, nowUnixMs) => trust.byKey(key, nowUnixMs).ok,
    epochOf: () => 0,
    skewMs: MAX_CLOCK_SKEW_MS,
    ...ports,
  });
}

/** What its last link asks for and nothing would keep to yet. */
export function unbuilt({ last }: Chain): CellError | undefined {
  const isPlain = last.kind === "user" && Object.keys(last.limits).length === 0;
  return isPlain ? undefined : new CellError("CAPSULE_CAPABILITY_NOT_BUILT_YET");
}

const undecided = () => err(new CellError("CAPABILITY_UNDECIDED", undefined, { retryAfterMs: 1_000 }));
