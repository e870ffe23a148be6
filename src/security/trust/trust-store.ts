// The certificates that count in a cell: the newest generation of each principal,
// chained to genesis, and for a time the key that the newest one follows. Signatures are verified once, when a certificate is added;
// validity in time and the state of its issuer are judged at every look-up.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { equalBytes, mapKey } from "../bytes.ts";
import { type Certificate, hasValidContinuity, hasValidSignature, readCertificate } from "./certificate.ts";
import { beginsUnixMs } from "./continuity.ts";
import { type FormerKey, FormerKeys, formerKeys } from "./former-keys.ts";
import type { Genesis } from "./genesis.ts";
import { PreservedKeys } from "./preserved-keys.ts";
import { countedAt, RetiredKeys } from "./retired-keys.ts";
import { type ShardMap, shardMap } from "./shard-map.ts";

export type TrustStoreOptions = {
  /** Nodes and clients held; issuers are certified by genesis and always find room. Default 16,384. */
  readonly maxPrincipals?: number;
  /** Certificates that arrived before their issuer's; the oldest goes first. Default 256. */
  readonly maxWaiting?: number;
  /** Lowest generation to accept by principal, from outside the broker, so that the broker cannot roll back unseen. */
  readonly generationFloors?: Readonly<Record<string, number>>;
};

/** One row of a listing. */
export type Standing = { readonly certificate: Certificate; readonly fault: CellError | undefined };

/** Whether a look-up has found nothing at all, rather than somebody who counts no more. */
export const isStranger = (found: Result<unknown, CellError>): boolean =>
  !found.ok && found.error.code === "AUTHORITY_ISSUER_UNKNOWN";

export class TrustStore {
  readonly genesis: Genesis;
  readonly #maxPrincipals: number;
  readonly #maxWaiting: number;
  readonly #floors: ReadonlyMap<string, number>;
  readonly #byPrincipal = new Map<string, Certificate>();
  readonly #byKey = new Map<string, Certificate>();
  readonly #preserved = new PreservedKeys();
  readonly #retired = new RetiredKeys();
  readonly #former = new FormerKeys();
  #waiting: readonly Certificate[] = [];
  #shards: ShardMap | undefined;

  constructor(genesis: Genesis, options: TrustStoreOptions = {}) {
    this.genesis = genesis;
    this.#maxPrincipals = options.maxPrincipals ?? 16_384;
    this.#maxWaiting = options.maxWaiting ?? 256;
    this.#floors = new Map(Object.entries(options.generationFloors ?? {}));
  }

  /**
   * Adds one certificate, in any order. One whose issuer is not known or valid
   * is refused with AUTHORITY_CHAIN_BROKEN, kept aside, and judged again when an
   * issuer is added. The same certificate twice is not an error.
   * @returns what counts from now on and did not before
   */
  add(bytes: Uint8Array, nowUnixMs: number): Result<readonly Certificate[], CellError> {
    const read = readCertificate(bytes);
    if (!read.ok) return read;
    const added = this.#admit(read.value, nowUnixMs);
    if (!added.ok) return added;
    const counting = added.value ? [read.value] : [];
    if (added.value && read.value.kind === "issuer") counting.push(...this.#retryWaiting(nowUnixMs));
    return ok(counting);
  }

  /**
   * Adds an older certificate that this node kept itself: it has to be signed, also by an issuer's key that
   * another follows by now. It never counts. False: it was not taken.
   */
  restoreRetired(bytes: Uint8Array, nowUnixMs: number): boolean {
    const read = readCertificate(bytes);
    if (!read.ok || read.value.kind === "client") return false;
    const { principal, generation, kind, signer } = read.value;
    const newest = this.#byPrincipal.get(principal);
    if (newest?.kind !== kind || generation >= newest.generation) return false;
    const mayCertify =
      kind === "issuer" ? equalBytes(signer, this.genesis.genesisKey) : this.#wasIssuer(signer, nowUnixMs);
    if (!mayCertify || !hasValidSignature(read.value, this.genesis.hash)) return false;
    this.#retire(newest, read.value);
    return true;
  }

  /** The certificate of a key, valid now. Of a key that the principal's newest follows it is that one, with this key in it. */
  byKey(key: Uint8Array, nowUnixMs: number): Result<Certificate, CellError> {
    return this.#standing(this.#find(key, nowUnixMs), nowUnixMs);
  }

  /** Keys of a principal that its newest follows without a break, as far as is known here. */
  formerKeys(principal: string): readonly FormerKey[] {
    return this.#former.of(principal);
  }

  /**
   * Whose key this was at a time, and until when, when that one's present key follows it without a break and
   * counts now: its newest certificate. For what was signed then and is kept.
   */
  formerOwner(
    key: Uint8Array,
    atUnixMs: number,
    nowUnixMs: number,
  ): { readonly owner: Certificate; readonly untilUnixMs: number } | undefined {
    const untilUnixMs = this.#former.endOf(key);
    if (untilUnixMs === undefined || atUnixMs >= untilUnixMs) return undefined;
    const owner = this.byPrincipal(this.#former.ownerOf(key) ?? "", nowUnixMs);
    return owner.ok ? { owner: owner.value, untilUnixMs } : undefined;
  }

  /**
   * The node whose key this was at a time: now certified for it, or then, in a generation that
   * is known here and was not withdrawn. For records that are kept; nothing is accepted by it.
   */
  nodeOfKeyAt(key: Uint8Array, atUnixMs: number, nowUnixMs: number): Result<Certificate, CellError> {
    const now = this.byKey(key, nowUnixMs);
    if (now.ok) return now;
    const holder = this.#byKey.get(mapKey(key));
    const candidates = holder === undefined ? this.#retired.ofKey(key) : [holder];
    const then = candidates.find((certificate) => {
      const { principal, signer } = certificate;
      const newest = this.#byPrincipal.get(principal);
      const known = [...this.#retired.of(principal), ...(newest === undefined ? [] : [newest])];
      return countedAt(certificate, known, atUnixMs) && this.#wasIssuer(signer, nowUnixMs);
    });
    return then === undefined ? now : ok(then);
  }

  /** Older certificates of a node or an issuer, the lowest generation first. */
  retired(principal: string): readonly Certificate[] {
    return this.#retired.of(principal);
  }

  /** The certificate of a principal, valid now. */
  byPrincipal(principal: string, nowUnixMs: number): Result<Certificate, CellError> {
    return this.#standing(this.#byPrincipal.get(principal), nowUnixMs);
  }

  /** The newest certificate of a principal, valid or not: its next one needs a higher generation. */
  newest(principal: string): Certificate | undefined {
    return this.#byPrincipal.get(principal);
  }

  /** Certificates of nodes that are valid now, by name. */
  nodes(nowUnixMs: number): readonly Certificate[] {
    return this.snapshot(nowUnixMs).flatMap(({ certificate, fault }) =>
      fault === undefined && certificate.kind === "node" ? [certificate] : [],
    );
  }

  /** Name of the node that owns a shard now. */
  shardOwner(shard: number, nowUnixMs: number): string | undefined {
    if (
      this.#shards === undefined ||
      nowUnixMs < this.#shards.fromUnixMs ||
      nowUnixMs >= this.#shards.untilUnixMs
    ) {
      const all = [...this.#byPrincipal.values()];
      this.#shards = shardMap(this.nodes(nowUnixMs), all, nowUnixMs);
    }
    return this.#shards.owners[shard];
  }

  /** Every principal with its newest certificate and what stands against it, by name. */
  snapshot(nowUnixMs: number): readonly Standing[] {
    return [...this.#byPrincipal.values()]
      .sort((a, b) => (a.principal < b.principal ? -1 : 1))
      .map((certificate) => ({ certificate, fault: this.#fault(certificate, nowUnixMs) }));
  }

  /** Generations to keep outside the broker, for `generationFloors`. */
  floors(): Readonly<Record<string, number>> {
    const known = [...this.#byPrincipal.values()].map(
      ({ principal, generation }) => [principal, generation] as const,
    );
    return Object.fromEntries([...this.#floors, ...known]);
  }

  /** True when it counts from now on, false when it did already. */
  #admit(certificate: Certificate, nowUnixMs: number): Result<boolean, CellError> {
    const chain = this.#checkChain(certificate, nowUnixMs);
    if (!chain.ok) return chain;
    const { principal, generation, key, kind } = certificate;
    const known = this.#byPrincipal.get(principal);
    if (known !== undefined && equalBytes(known.body, certificate.body)) return ok(false);
    const fault = this.#checkSuccession(certificate, known);
    if (known !== undefined && fault?.code === "AUTHORITY_GENERATION_SUPERSEDED")
      this.#retire(known, certificate);
    if (fault !== undefined) return err(fault);
    const holder = this.#find(key, nowUnixMs);
    const foreign = holder !== undefined && holder.principal !== principal ? holder : undefined;
    if (foreign !== undefined && kind !== "issuer") return taken("its key belongs to another principal");
    if (known === undefined && kind !== "issuer" && this.#byPrincipal.size >= this.#maxPrincipals) {
      return err(new CellError("AUTHORITY_TRUST_FULL"));
    }
    if (generation < (this.#floors.get(principal) ?? 0)) {
      return err(new CellError("AUTHORITY_GENERATION_SUPERSEDED", superseded(principal, generation)));
    }
    if (foreign !== undefined) this.#takeKey(foreign);
    if (known !== undefined) this.#succeed(known, certificate);
    this.#byPrincipal.set(principal, certificate);
    this.#byKey.set(mapKey(key), certificate);
    this.#preserved.keep(certificate, known?.kind === kind ? known : undefined);
    this.#line(certificate);
    this.#shards = undefined;
    return ok(true);
  }

  /** Kind rules and signature: genesis -> issuer -> node or client. */
  #checkChain(certificate: Certificate, nowUnixMs: number): Result<void, CellError> {
    const { genesisKey, hash } = this.genesis;
    const keys = [certificate.key, certificate.continuity?.previousKey];
    if (keys.some((key) => key !== undefined && equalBytes(key, genesisKey)))
      return taken("the genesis key certifies, and is never certified");
    const byGenesis = equalBytes(certificate.signer, genesisKey);
    if (byGenesis !== (certificate.kind === "issuer")) {
      const what = byGenesis ? "genesis certifies issuers only" : "only genesis certifies an issuer";
      return err(new CellError("AUTHORITY_KIND_FORBIDDEN", what));
    }
    if (!byGenesis) {
      const issuer = this.#find(certificate.signer, nowUnixMs);
      if (issuer !== undefined && issuer.kind !== "issuer") {
        return err(new CellError("AUTHORITY_KIND_FORBIDDEN", "only an issuer certifies nodes and clients"));
      }
      const cause = issuer === undefined ? undefined : this.#fault(issuer, nowUnixMs);
      if (issuer === undefined || cause !== undefined) {
        this.#keepWaiting(certificate);
        return err(new CellError("AUTHORITY_CHAIN_BROKEN", undefined, { cause }));
      }
    }
    if (hasValidSignature(certificate, hash)) return ok(undefined);
    const code = hasValidContinuity(certificate, hash)
      ? "AUTHORITY_CERTIFICATE_FORGED"
      : "AUTHORITY_CONTINUITY_INVALID";
    return err(new CellError(code));
  }

  #checkSuccession(certificate: Certificate, known: Certificate | undefined): CellError | undefined {
    if (known === undefined) return undefined;
    const { principal, generation, kind } = certificate;
    if (kind !== known.kind) {
      // Genesis outranks issuers: nobody can occupy an issuer's name before it is certified.
      if (kind === "issuer") return undefined;
      return new CellError(
        "AUTHORITY_PRINCIPAL_TAKEN",
        `\`${principal}\` is the name of another ${known.kind}`,
      );
    }
    if (generation < known.generation) {
      return new CellError("AUTHORITY_GENERATION_SUPERSEDED", superseded(principal, generation));
    }
    return generation > known.generation ? undefined : new CellError("AUTHORITY_GENERATION_CONFLICT");
  }

  #keepWaiting(certificate: Certificate): void {
    const others = this.#waiting.filter(({ bytes }) => !equalBytes(bytes, certificate.bytes));
    this.#waiting = [...others, certificate].slice(-this.#maxWaiting);
  }

  #retryWaiting(nowUnixMs: number): Certificate[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.filter((certificate) => {
      const added = this.#admit(certificate, nowUnixMs);
      return added.ok && added.value;
    });
  }

  #succeed(known: Certificate, certificate: Certificate): void {
    this.#forget(known);
    if (known.kind === certificate.kind) this.#retired.keep(known);
    else this.#retired.forget(known.principal);
  }

  /** An older one of a principal came, or came again. */
  #retire(newest: Certificate, older: Certificate): void {
    this.#preserved.judge(newest, older);
    this.#retired.keep(older);
    this.#line(newest);
  }

  #line(newest: Certificate): void {
    this.#former.set(newest.principal, formerKeys(newest, this.#retired.of(newest.principal)));
  }

  #forget(certificate: Certificate): void {
    this.#byPrincipal.delete(certificate.principal);
    this.#byKey.delete(mapKey(certificate.key));
    this.#preserved.forget(certificate);
    this.#former.delete(certificate.principal);
  }

  /** For an issuer: of who had it beside a newer one, no more than that. */
  #takeKey(holder: Certificate): void {
    if (this.#byKey.get(mapKey(holder.key)) === holder) this.#forget(holder);
    else this.#preserved.forget(holder);
  }

  #find(key: Uint8Array, nowUnixMs: number): Certificate | undefined {
    return this.#byKey.get(mapKey(key)) ?? this.#preserved.of(key, nowUnixMs);
  }

  /** Whether it is an issuer's key, or was one that an issuer's present key follows. */
  #wasIssuer(key: Uint8Array, nowUnixMs: number): boolean {
    const now = this.byKey(key, nowUnixMs);
    if (now.ok) return now.value.kind === "issuer";
    const owner = this.byPrincipal(this.#former.ownerOf(key) ?? "", nowUnixMs);
    return owner.ok && owner.value.kind === "issuer";
  }

  #standing(certificate: Certificate | undefined, nowUnixMs: number): Result<Certificate, CellError> {
    if (certificate === undefined) return err(new CellError("AUTHORITY_ISSUER_UNKNOWN"));
    const fault = this.#fault(certificate, nowUnixMs);
    return fault === undefined ? ok(certificate) : err(fault);
  }

  #fault(certificate: Certificate, nowUnixMs: number): CellError | undefined {
    const { principal, revoked, notAfterUnixMs, kind, signer } = certificate;
    if (revoked) return new CellError("AUTHORITY_REVOKED", `\`${principal}\` was withdrawn`);
    if (nowUnixMs < beginsUnixMs(certificate)) return new CellError("AUTHORITY_CERTIFICATE_NOT_YET_VALID");
    if (!(nowUnixMs < notAfterUnixMs)) return new CellError("AUTHORITY_CERTIFICATE_EXPIRED");
    if (kind === "issuer") return undefined;
    const issuer = this.#find(signer, nowUnixMs);
    const fault =
      issuer?.kind === "issuer" ? this.#fault(issuer, nowUnixMs) : new CellError("AUTHORITY_ISSUER_UNKNOWN");
    return fault && new CellError("AUTHORITY_CHAIN_BROKEN", undefined, { cause: fault });
  }
}

const superseded = (principal: string, generation: number): string =>
  `generation ${generation} of \`${principal}\` is older than the one known`;
const taken = (what: string) => err(new CellError("AUTHORITY_PRINCIPAL_TAKEN", what));
