// A hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014):
// timestamps respect causality and stay close to real time, because a remote
// time too far ahead is refused instead of followed.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { HybridTime } from "../wire/capsule.ts";

/**
 * How far ahead a remote time is followed. Well below the skew that intake
 * tolerates, so that one fast clock cannot carry a node's own capsules past the
 * tolerance of the nodes after it.
 */
export const MAX_FOLLOWED_MS = 1_000;
const MAX_COUNTER = 0xffff_ffff;

export class HybridClock {
  readonly #nowUnixMs: () => number;
  readonly #maxFollowedMs: number;
  #last: HybridTime = { unixMs: 0, counter: 0 };

  constructor(nowUnixMs: () => number, maxFollowedMs = MAX_FOLLOWED_MS) {
    this.#nowUnixMs = nowUnixMs;
    this.#maxFollowedMs = maxFollowedMs;
  }

  /** A time later than every time given or observed before. */
  tick(): HybridTime {
    const now = Math.trunc(this.#nowUnixMs());
    this.#last = now > this.#last.unixMs ? { unixMs: now, counter: 0 } : successor(this.#last);
    return this.#last;
  }

  /** Takes note of a remote time; CAPSULE_CLOCK_DRIFT leaves the clock as it was. */
  observe(remote: HybridTime): Result<void, CellError> {
    const aheadMs = remote.unixMs - this.#nowUnixMs();
    if (!(aheadMs <= this.#maxFollowedMs)) {
      return err(new CellError("CAPSULE_CLOCK_DRIFT", `a remote clock is ${Math.round(aheadMs)} ms ahead`));
    }
    if (isLater(remote, this.#last)) this.#last = remote;
    return ok(undefined);
  }
}

export const isLater = (a: HybridTime, b: HybridTime): boolean =>
  a.unixMs > b.unixMs || (a.unixMs === b.unixMs && a.counter > b.counter);

const successor = ({ unixMs, counter }: HybridTime): HybridTime =>
  counter < MAX_COUNTER ? { unixMs, counter: counter + 1 } : { unixMs: unixMs + 1, counter: 0 };
