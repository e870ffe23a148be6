// A hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014):
// timestamps respect causality and stay within the tolerated skew of real time,
// because a remote time too far ahead is refused instead of followed.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { HybridTime } from "../wire/capsule.ts";

/** How far two machines' clocks may differ. */
export const MAX_CLOCK_SKEW_MS = 5_000;
const MAX_COUNTER = 0xffff_ffff;

export class HybridClock {
  readonly #nowUnixMs: () => number;
  readonly #maxSkewMs: number;
  #last: HybridTime = { unixMs: 0, counter: 0 };

  constructor(nowUnixMs: () => number, maxSkewMs = MAX_CLOCK_SKEW_MS) {
    this.#nowUnixMs = nowUnixMs;
    this.#maxSkewMs = maxSkewMs;
  }

  /** A time later than every time given or observed before. */
  tick(): HybridTime {
    const now = Math.trunc(this.#nowUnixMs());
    this.#last = now > this.#last.unixMs ? { unixMs: now, counter: 0 } : successor(this.#last);
    return this.#last;
  }

  /** A time later than a remote one, or CAPSULE_CLOCK_DRIFT, which leaves the clock as it was. */
  observe(remote: HybridTime): Result<HybridTime, CellError> {
    const aheadMs = remote.unixMs - this.#nowUnixMs();
    if (!(aheadMs <= this.#maxSkewMs)) {
      return err(new CellError("CAPSULE_CLOCK_DRIFT", `a remote clock is ${Math.round(aheadMs)} ms ahead`));
    }
    if (isLater(remote, this.#last)) this.#last = remote;
    return ok(this.tick());
  }
}

export const isLater = (a: HybridTime, b: HybridTime): boolean =>
  a.unixMs > b.unixMs || (a.unixMs === b.unixMs && a.counter > b.counter);

const successor = ({ unixMs, counter }: HybridTime): HybridTime =>
  counter < MAX_COUNTER ? { unixMs, counter: counter + 1 } : { unixMs: unixMs + 1, counter: 0 };
