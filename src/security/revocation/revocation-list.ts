// What a node knows to be revoked, and whether that can be relied on now: all records that it has
// seen, joined, and how long ago the authority said that there is none that it lacks. Pure but for
// its state; times are given.
import { CellError } from "../../errors/cell-error.ts";
import { equalBytes, mapKey } from "../bytes.ts";
import { MAX_CLOCK_SKEW_MS } from "../clock/clock-skew.ts";
import type { Signer } from "../keys/signing-key.ts";
import type { Head } from "./head.ts";
import type { Revocations } from "./revocations.ts";
import { covers, joined, nothingRevoked, type Revoked, withoutVoid } from "./revoked.ts";

/**
 * What manifests grant counts on for so long: what runs inside the cell need not stop with the authority's node. A
 * node that has just started counts from its start, with what is on its disk.
 */
export const MAX_SILENCE_MS = 600_000;
/** So long after the authority's last word tokens count on; by clocks that differ, so much longer as they do. It speaks each second. */
export const MAX_HEAD_AGE_MS = 5_000;
const RETRY_AFTER_MS = 250;
/** Records of which none holds what another does: more than one only until the authority has joined them. */
const MAX_RECORDS = 8;
const MAX_HELD_TOKENS = 65_536;
/** Records that were joined, by their hashes; the oldest goes first. */
const MAX_SEEN = 256;

/** Asked of each chain. */
export type RevocationView = {
  /** Undefined where that is not known and not judged: outside of nodes. */
  readonly epochOf: (scope: string) => number | undefined;
  readonly isRevoked: (tokenHash: Uint8Array) => boolean;
  /** What stands against relying on it now. */
  readonly unheard: (nowUnixMs: number, nowMs: number) => CellError | undefined;
};

export type Taken = {
  /** What is revoked beside what was before; undefined: nothing. */
  readonly before: Revoked | undefined;
  /** Records that are not needed any more: another holds what they do. */
  readonly dropped: readonly Revocations[];
  /** Records that there is no room for; what they hold stays in force until the process ends. */
  readonly given: readonly Revocations[];
};

export class RevocationList implements RevocationView {
  #revoked = nothingRevoked;
  #records: readonly Revocations[] = [];
  /** Of records that gave way. */
  #rest = nothingRevoked;
  readonly #seen = new Set<string>();
  readonly #own: Pick<Signer, "publicKey">;
  #authority = new Uint8Array();
  /** When the newest word was said. */
  #saidUnixMs = Number.NEGATIVE_INFINITY;
  /** Monotonic; tokens count until then. */
  #freshUntilMs = Number.NEGATIVE_INFINITY;
  /** Until when it is known to have lacked nothing, by the authority's word: monotonic, and by its clock. */
  #wholeMs: number;
  #wholeUnixMs = Number.NEGATIVE_INFINITY;
  /** Hash of a record that the authority has and this node lacks. */
  #awaited: Uint8Array | undefined;

  /**
   * @param own key of this node: what it has signed never gives way
   * @param startedMs of this process's work, monotonic
   */
  constructor(
    own: Pick<Signer, "publicKey"> = { publicKey: new Uint8Array() },
    startedMs: number = performance.now(),
  ) {
    this.#own = own;
    this.#wholeMs = startedMs;
  }

  /** All that is revoked. */
  revoked(nowUnixMs: number): Revoked {
    return withoutVoid(this.#revoked, nowUnixMs);
  }

  /** Together they hold all of it; the newest last. */
  records(): readonly Revocations[] {
    return this.#records;
  }

  /**
   * Joins a record that was verified. Undefined: nothing of it is new, and it need not be kept.
   * @throws CAPABILITY_REVOCATIONS_FULL beyond 65,536 tokens
   */
  take(record: Revocations, nowUnixMs: number): Taken | undefined {
    const name = mapKey(record.hash);
    const isHeld = this.#records.some((each) => covers(each, record, nowUnixMs));
    if (isHeld && this.#seen.has(name)) return undefined;
    const before = this.#revoked;
    if (joined(before, record).tokens.size > MAX_HELD_TOKENS)
      throw new CellError("CAPABILITY_REVOCATIONS_FULL");
    this.#remember(name);
    if (this.#awaited !== undefined && equalBytes(this.#awaited, record.hash)) this.#awaited = undefined;
    if (isHeld && !covers(record, before, nowUnixMs)) return undefined;
    const dropped = this.#records.filter((each) => covers(record, each, nowUnixMs));
    const others = this.#records.filter((each) => !dropped.includes(each));
    const foreign = others.filter(({ signer }) => !equalBytes(signer, this.#own.publicKey));
    const given = foreign.slice(0, Math.max(0, others.length + 1 - MAX_RECORDS));
    this.#rest = given.reduce<Revoked>(joined, this.#rest);
    this.#records = [...others.filter((each) => !given.includes(each)), record];
    this.#revoked = this.#records.reduce<Revoked>(joined, this.#rest);
    const isMore = !covers(before, this.#revoked, nowUnixMs);
    return { before: isMore ? before : undefined, dropped, given };
  }

  /**
   * Takes the authority's word, verified. One that is not newer than the newest heard, or comes from the
   * future, says nothing.
   * @param authority key that signed it
   * @param nowMs monotonic
   * @returns whether this node lacks a record, and which ones the authority lacks
   */
  hear(
    { hash, atUnixMs }: Head,
    authority: Uint8Array,
    nowUnixMs: number,
    nowMs: number,
  ): { readonly isBehind: boolean; readonly lacking: readonly Revocations[] } {
    if (!equalBytes(authority, this.#authority)) {
      this.#authority = Uint8Array.from(authority);
      this.#saidUnixMs = Number.NEGATIVE_INFINITY;
    }
    // Of a time when that clock was wrong, or this one.
    if (this.#saidUnixMs > nowUnixMs + MAX_CLOCK_SKEW_MS) this.#saidUnixMs = Number.NEGATIVE_INFINITY;
    const ageMs = nowUnixMs - atUnixMs;
    if (atUnixMs <= this.#saidUnixMs || ageMs < -MAX_CLOCK_SKEW_MS)
      return { isBehind: this.#awaited !== undefined, lacking: [] };
    this.#saidUnixMs = atUnixMs;
    const isBehind = hash.length > 0 && !this.#seen.has(mapKey(hash));
    this.#awaited = isBehind ? hash : undefined;
    if (!isBehind) {
      this.#isWholeUntil(atUnixMs, nowMs - Math.max(0, ageMs - MAX_CLOCK_SKEW_MS));
      this.#freshUntilMs = nowMs + MAX_HEAD_AGE_MS - Math.max(0, ageMs - MAX_CLOCK_SKEW_MS);
    }
    return { isBehind, lacking: this.#records.filter((record) => !equalBytes(record.hash, hash)) };
  }

  epochOf = (scope: string): number => this.#revoked.epochs.get(scope) ?? 0;

  isRevoked = (tokenHash: Uint8Array): boolean => {
    const { tokens } = this.#revoked;
    return tokens.size > 0 && tokens.has(mapKey(tokenHash));
  };

  unheard = (nowUnixMs: number, nowMs: number): CellError | undefined => {
    if (this.#awaited !== undefined) return unheard("a record of revocations has not arrived yet");
    // The one clock stands while the machine sleeps, the other can be set back.
    const isFresh =
      nowMs < this.#freshUntilMs && nowUnixMs <= this.#saidUnixMs + MAX_HEAD_AGE_MS + MAX_CLOCK_SKEW_MS;
    return isFresh ? undefined : unheard();
  };

  isEmpty = (): boolean => this.#revoked.tokens.size === 0 && this.#revoked.epochs.size === 0;

  /** What stands against relying on it for what manifests grant. */
  unheardForLong = (nowUnixMs: number, nowMs: number): CellError | undefined => {
    const isLong = nowMs - this.#wholeMs >= MAX_SILENCE_MS;
    // The monotonic clock stands while the machine sleeps.
    const hasHeard = Number.isFinite(this.#wholeUnixMs);
    const hasSlept = hasHeard && nowUnixMs > this.#wholeUnixMs + MAX_SILENCE_MS + MAX_CLOCK_SKEW_MS;
    if (!isLong && !hasSlept) return undefined;
    return unheard(`the capability authority was not heard for ${MAX_SILENCE_MS / 60_000} minutes`);
  };

  /** Of the authority itself, which need not hear its own word. */
  isAuthority(nowUnixMs: number, nowMs: number): void {
    this.#isWholeUntil(nowUnixMs, nowMs);
  }

  #isWholeUntil(atUnixMs: number, atMs: number): void {
    this.#wholeMs = Math.max(this.#wholeMs, atMs);
    this.#wholeUnixMs = Math.max(this.#wholeUnixMs, atUnixMs);
  }

  #remember(name: string): void {
    const oldest = this.#seen.size < MAX_SEEN ? undefined : this.#seen.keys().next().value;
    if (oldest !== undefined) this.#seen.delete(oldest);
    this.#seen.add(name);
  }
}

const unheard = (what?: string): CellError =>
  new CellError("CAPABILITY_REVOCATIONS_UNHEARD", what, { retryAfterMs: RETRY_AFTER_MS });
