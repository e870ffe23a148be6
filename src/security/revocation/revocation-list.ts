// What a node knows of revocations, and whether that can be relied on now: the newest record,
// and how long ago the authority said that it is. Pure but for its state; times are given.
import { CellError } from "../../errors/cell-error.ts";
import { equalBytes, mapKey } from "../bytes.ts";
import { MAX_CLOCK_SKEW_MS } from "../clock/clock-skew.ts";
import type { HeadClaims } from "./head.ts";
import { forgotten, nothingRevoked, type Revocations, type Revoked } from "./revocations.ts";

/** So long after the authority's last word tokens count on. It speaks each second. */
export const MAX_HEAD_AGE_MS = 5_000;

const RETRY_AFTER_MS = 250;

export type HeardHead = "same" | "older" | "newer" | "other";

/** Asked of each chain. */
export type RevocationView = {
  /** Undefined where that is not known and not judged: outside of nodes. */
  readonly epochOf: (scope: string) => number | undefined;
  readonly isRevoked: (tokenHash: Uint8Array) => boolean;
  /** What stands against relying on it now. @param nowMs monotonic */
  readonly unheard: (nowMs: number) => CellError | undefined;
};

export class RevocationList implements RevocationView {
  #record: Revocations | undefined;
  /** Monotonic; tokens count until then. */
  #freshUntilMs = Number.NEGATIVE_INFINITY;
  /** The authority's newest record is not this one. */
  #behind = false;

  record(): Revocations | undefined {
    return this.#record;
  }

  revoked(): Revoked {
    return this.#record ?? nothingRevoked;
  }

  /**
   * Takes a record that was verified.
   * @returns true when it is in force from now on, false when it or a newer one was already
   * @throws CELL_ROLLED_BACK when it is of another history, CAPABILITY_REVOCATIONS_INVALID when it comes from the future
   */
  take(record: Revocations, nowUnixMs: number): boolean {
    const known = this.#record;
    if (record.issuedUnixMs > nowUnixMs + MAX_CLOCK_SKEW_MS) {
      const what = "the record of revocations is dated later than this clock says";
      throw new CellError("CAPABILITY_REVOCATIONS_INVALID", what);
    }
    if (known !== undefined && record.generation <= known.generation) {
      if (record.generation < known.generation || equalBytes(record.bodyHash, known.bodyHash)) return false;
      throw anotherHistory(`it has another record of revocations ${record.generation} than this node`);
    }
    const lost = known && forgotten(record, known);
    if (lost !== undefined) throw anotherHistory(`record of revocations ${record.generation} lacks ${lost}`);
    this.#record = record;
    this.#behind = false;
    return true;
  }

  /**
   * Takes the authority's word, verified. One that took its time counts that much less long; one from the
   * future, or older than 5 s, not at all.
   * @param nowMs monotonic
   */
  hear({ generation, hash, atUnixMs }: HeadClaims, nowUnixMs: number, nowMs: number): HeardHead {
    const ours = this.#record?.generation ?? 0;
    if (generation < ours) return "older";
    const isSame = generation === 0 || equalBytes(hash, this.#record?.bodyHash ?? new Uint8Array());
    const ageMs = nowUnixMs - atUnixMs;
    if (generation > ours) this.#behind = true;
    else if (!isSame) return "other";
    else if (ageMs >= -MAX_CLOCK_SKEW_MS) {
      this.#behind = false;
      this.#freshUntilMs = Math.max(this.#freshUntilMs, nowMs + MAX_HEAD_AGE_MS - Math.max(0, ageMs));
    }
    return generation > ours ? "newer" : "same";
  }

  epochOf = (scope: string): number => this.#record?.epochs.get(scope) ?? 0;

  isRevoked = (tokenHash: Uint8Array): boolean => {
    const tokens = this.#record?.tokens;
    return tokens !== undefined && tokens.size > 0 && tokens.has(mapKey(tokenHash));
  };

  unheard = (nowMs: number): CellError | undefined => {
    if (this.#behind)
      return new CellError(
        "CAPABILITY_REVOCATIONS_UNHEARD",
        "a newer record of revocations has not arrived yet",
        { retryAfterMs: RETRY_AFTER_MS },
      );
    if (nowMs < this.#freshUntilMs) return undefined;
    return new CellError("CAPABILITY_REVOCATIONS_UNHEARD", undefined, { retryAfterMs: RETRY_AFTER_MS });
  };
}

const anotherHistory = (what: string): CellError => new CellError("CELL_ROLLED_BACK", what);
