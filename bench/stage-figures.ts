// The time of one stage, in microseconds.
import { line, median } from "./figures.ts";

export const ROUNDS = 2_000;
const GROUP = 100;

/**
 * Runs it `ROUNDS` times to be compiled, and as often by the clock: the median of groups, so that what
 * else the machine does matters little. @param parts what one run is of
 */
export function each(what: string, work: () => unknown, parts = 1): void {
  for (let round = 0; round < ROUNDS; round += 1) work();
  const groups = Array.from({ length: ROUNDS / GROUP }, () => {
    const startedAt = performance.now();
    for (let round = 0; round < GROUP; round += 1) work();
    return performance.now() - startedAt;
  });
  line(`  ${what}`, `${((median(groups) * 1000) / GROUP / parts).toFixed(1)} us`);
}
