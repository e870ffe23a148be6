// Measures that bear a busy machine: processor time instead of the clock for what
// computes, the fastest of a few tries for what waits.
import process from "node:process";

/** Processor time of this thread, in milliseconds: other processes do not count. */
export function processorMs(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

/** As `processorMs`, of work that awaits; what else this thread does meanwhile counts too. */
export async function processorMsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

const TRIES = 5;

/** The fastest of at most five tries; tries no more once one took less than `boundMs`. */
export async function fastestMs(boundMs: number, attempt: () => Promise<number>): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let tried = 0; tried < TRIES && fastest >= boundMs; tried += 1)
    fastest = Math.min(fastest, await attempt());
  return fastest;
}
