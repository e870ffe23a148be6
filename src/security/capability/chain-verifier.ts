// Whether a chain of tokens counts now, for whoever would use it. What a signature
// or a comparison says never changes, and is remembered; time, epoch and standing are judged anew.
import { perSecond } from "../../collections/per-second.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { mapKey, sha256 } from "../bytes.ts";
import { MAX_CLOCK_SKEW_MS } from "../clock/clock-skew.ts";
import { verifyEd25519 } from "../keys/verify.ts";
import type { RevocationView } from "../revocation/revocation-list.ts";
import { firstNodeOf } from "../trust/first-node.ts";
import type { TrustStore } from "../trust/trust-store.ts";
import { MAX_CAPABILITY_BYTES } from "../wire/capsule.ts";
import { missingApprovals } from "./approval.ts";
import { type Chain, checkLinks, readChain, type Verify } from "./chain.ts";
import { type Holder, isHeldBy, nameOfHolder } from "./holder.ts";
import { KnownChains } from "./known-chains.ts";
import type { Token } from "./token.ts";
import { undecided } from "./undecided.ts";

/** Chains that are read a second for each holder, in any form; and links whose signatures are verified. */
const READ_EACH = 128;
const LINKS = { all: 512, each: 64 };
/** For a holder that has sent a link with a signature that is not valid: its next new chains are not looked at. */
const DISTRUST_MS = 1_000;
const MAX_DISTRUSTED = 1_024;

export type ChainPorts = {
  readonly genesisHash: Uint8Array;
  /** Whether what this key signed at a time is a root now. */
  readonly isAuthority: (root: Root, nowUnixMs: number) => boolean;
  /** Whether this key is certified now, for whoever hands a token on. */
  readonly isStanding: (key: Uint8Array, nowUnixMs: number) => boolean;
  /** Whether two keys are of one principal, and both count now: while one of them is rotated. Default: never. */
  readonly areOfOne?: (key: Uint8Array, other: Uint8Array, nowUnixMs: number) => boolean;
  readonly revocations: RevocationView;
  /** How far a minter's clock may be ahead of this one, milliseconds. */
  readonly skewMs: number;
  /** Default: the quick way. */
  readonly verify?: Verify;
  /** By which a second is counted; default: monotonic. */
  readonly monotonicMs?: () => number;
};

/** Verifies chains, and remembers of each what never changes. */
export class ChainVerifier {
  readonly #ports: ChainPorts;
  readonly #known = new KnownChains();
  readonly #mayRead = perSecond({ all: Number.POSITIVE_INFINITY, each: READ_EACH });
  readonly #mayVerify = perSecond(LINKS);
  /** Until when. */
  readonly #distrusted = new Map<string, number>();

  constructor(ports: ChainPorts) {
    this.#ports = ports;
  }

  /** Whether it counts now, for this holder. Errors: CAPABILITY_*; never throws. */
  verify(bytes: Uint8Array, holder: Holder, nowUnixMs: number): Result<Chain, CellError> {
    if (bytes.length > MAX_CAPABILITY_BYTES) return readChain(bytes);
    const owner = mapKey(nameOfHolder(holder, this.#ports.genesisHash));
    const name = mapKey(sha256(bytes));
    const known = this.#known.get(owner, name);
    if (known !== undefined) {
      const fault = this.#faultNow(known, holder, nowUnixMs);
      return fault === undefined ? ok(known) : err(fault);
    }
    const nowMs = this.#nowMs();
    if ((this.#distrusted.get(owner) ?? 0) > nowMs || !this.#mayRead(owner, nowMs)) return undecided();
    const read = readChain(bytes);
    if (!read.ok) return read;
    const chain = read.value;
    const fault = this.#faultNow(chain, holder, nowUnixMs);
    // What may come again must not do so for the sake of what nobody signed.
    if (fault !== undefined && !fault.retryable) return err(fault);
    const unsound = this.#checkLinks(chain, owner, nowMs);
    // An actor is not to blame for what it was handed.
    if (unsound?.code === "CAPABILITY_SIGNATURE_INVALID" && holder instanceof Uint8Array)
      this.#distrust(owner, nowMs);
    if (unsound !== undefined) return err(unsound);
    this.#known.keep(owner, name, chain, bytes.length);
    return fault === undefined ? read : err(fault);
  }

  /** What is refused for less takes nothing of the signatures that all share. */
  #checkLinks(chain: Chain, owner: string, nowMs: number): CellError | undefined {
    const { genesisHash, verify = verifyEd25519 } = this.#ports;
    let isSpent = false;
    const fault = checkLinks(chain, genesisHash, (...signed) => {
      isSpent ||= !this.#mayVerify(owner, nowMs);
      return !isSpent && verify(...signed);
    });
    if (isSpent) return undecided().error;
    return fault;
  }

  #nowMs(): number {
    return this.#ports.monotonicMs?.() ?? performance.now();
  }

  #distrust(owner: string, nowMs: number): void {
    if (this.#distrusted.size >= MAX_DISTRUSTED) this.#distrusted.clear();
    this.#distrusted.set(owner, nowMs + DISTRUST_MS);
  }

  /** By itself, or by the other key of who has two for now. */
  #isHeld(last: Token, holder: Holder, nowUnixMs: number): boolean {
    const { genesisHash, areOfOne } = this.#ports;
    if (isHeldBy(last, holder, genesisHash)) return true;
    if (last.kind === "agent" || !(holder instanceof Uint8Array)) return false;
    return areOfOne?.(last.holder, holder, nowUnixMs) === true;
  }

  /** The cheap part, and the part that changes. */
  #faultNow(chain: Chain, holder: Holder, nowUnixMs: number): CellError | undefined {
    const { links, root, last } = chain;
    const { isAuthority, isStanding, revocations, skewMs } = this.#ports;
    if (!this.#isHeld(last, holder, nowUnixMs)) return new CellError("CAPABILITY_HOLDER_MISMATCH");
    if (nowUnixMs >= last.notAfterUnixMs) return new CellError("CAPABILITY_EXPIRED");
    if (nowUnixMs + skewMs < last.notBeforeUnixMs) return new CellError("CAPABILITY_NOT_YET_VALID");
    const epoch = revocations.epochOf(last.scope);
    const what = `its epoch in ${last.scope} is ${last.epoch}, the current one ${epoch}`;
    if (epoch !== undefined && last.epoch < epoch) return new CellError("CAPABILITY_EPOCH_STALE", what);
    const revoked = links.findIndex(({ hash }) => revocations.isRevoked(hash));
    if (revoked >= 0) return new CellError("CAPABILITY_REVOKED", undefined, { where: `link ${revoked}` });
    if (!isAuthority(root, nowUnixMs)) return new CellError("CAPABILITY_AUTHORITY_UNKNOWN");
    const fallen = links.findIndex(({ issuer }, at) => at > 0 && !isStanding(issuer, nowUnixMs));
    if (fallen >= 0) {
      return new CellError("CAPABILITY_HOLDER_WITHDRAWN", undefined, { where: `link ${fallen}` });
    }
    const bare = links.findIndex((link) => missingApprovals(link, (key) => isStanding(key, nowUnixMs)) > 0);
    if (bare >= 0) return new CellError("CAPABILITY_NOT_APPROVED", undefined, { where: `link ${bare}` });
    // Last, since it may come again: of a later epoch this node will hear.
    if (epoch !== undefined && last.epoch > epoch)
      return new CellError("CAPABILITY_REVOCATIONS_UNHEARD", what);
    return revocations.unheard(nowUnixMs, this.#nowMs());
  }
}

/** What of a root says who signed it, and when. */
export type Root = Pick<Token, "issuer" | "notBeforeUnixMs" | "epoch">;

/** A root that was minted by a key that its owner's present key follows counts so long after that key's time. */
const ROOTS_OUTLIVE_KEYS_MS = 30 * 86_400_000;

/**
 * Whether a root is the authority's: signed by an issuer's key, or that of a node that is certified for shard 0;
 * or, for 30 days more, by a key that such a key follows without a break, while that one counted. Whoever has a
 * key that was removed could date a root back: within those days, and only in scopes whose epoch was not
 * raised since.
 */
export function isAuthority(root: Root, trust: TrustStore, nowUnixMs: number): boolean {
  const { issuer, notBeforeUnixMs, epoch } = root;
  const known = trust.byKey(issuer, nowUnixMs);
  if (known.ok) return known.value.kind === "issuer" || firstNodeOf(issuer, trust, nowUnixMs).ok;
  const former = trust.formerOwner(issuer, notBeforeUnixMs, nowUnixMs);
  if (former === undefined || epoch >= former.untilUnixMs) return false;
  if (nowUnixMs >= former.untilUnixMs + ROOTS_OUTLIVE_KEYS_MS) return false;
  const { kind, key } = former.owner;
  return kind === "issuer" || firstNodeOf(key, trust, nowUnixMs).ok;
}

function areOfOne(key: Uint8Array, other: Uint8Array, trust: TrustStore, nowUnixMs: number): boolean {
  const [one, two] = [trust.byKey(key, nowUnixMs), trust.byKey(other, nowUnixMs)];
  return one.ok && two.ok && one.value.principal === two.value.principal;
}

/** The rules of a cell: of authority by `isAuthority`, of standing by the certificates that count. */
export function cellChainVerifier(
  trust: TrustStore,
  revocations: RevocationView,
  ports: Partial<ChainPorts> = {},
): ChainVerifier {
  return new ChainVerifier({
    genesisHash: trust.genesis.hash,
    isAuthority: (root, nowUnixMs) => isAuthority(root, trust, nowUnixMs),
    isStanding: (key, nowUnixMs) => trust.byKey(key, nowUnixMs).ok,
    areOfOne: (key, other, nowUnixMs) => areOfOne(key, other, trust, nowUnixMs),
    revocations,
    skewMs: MAX_CLOCK_SKEW_MS,
    ...ports,
  });
}

/** What a link asks for and nothing would keep to yet: whatever is narrowed from another cell's is that cell's, too. */
export function unbuilt({ links }: Chain): CellError | undefined {
  if (links.every(({ kind }) => kind !== "federation")) return undefined;
  return new CellError("CAPSULE_CAPABILITY_NOT_BUILT_YET");
}
