// Whether a sibling noticed: it did when an intent of its own failed, or when its p99 in
// the time of the failures exceeds a stated multiple of what it was without any.
import { percentile } from "./figures.ts";
import type { Sent } from "./load.ts";

/** A sibling's p99 may grow by this factor... */
export const DISTURBED_FACTOR = 5;
/** ...or by this much, where its undisturbed p99 is so short that a multiple of it means nothing. */
export const DISTURBED_FLOOR_MS = 10;
/** The time of a failure lasts at least so long. */
export const SHADOW_MS = 50;

export type SiblingSamples = {
  readonly path: string;
  /** Latencies without a failure, from warm-up trials that fail nothing. */
  readonly unloadedMs: readonly number[];
  /** Latencies of the intents that were due in the time of a failure. */
  readonly shadowMs: readonly number[];
  /** Intents that failed, in any trial. */
  readonly failed: number;
};

/** The p99 from which on a sibling counts as disturbed. */
export function limitMs(unloadedMs: readonly number[]): number {
  const p99 = percentile(unloadedMs, 0.99);
  return Math.max(p99 * DISTURBED_FACTOR, p99 + DISTURBED_FLOOR_MS);
}

export function isDisturbed({ unloadedMs, shadowMs, failed }: SiblingSamples): boolean {
  if (failed > 0) return true;
  return shadowMs.length > 0 && percentile(shadowMs, 0.99) > limitMs(unloadedMs);
}

/** Latency of each answered intent that was due within the window. */
export function latencies(sent: readonly Sent[], fromMs: number, toMs: number): readonly number[] {
  return sent.flatMap(({ dueMs, endedMs, outcome }) =>
    outcome.kind === "answered" && endedMs !== undefined && dueMs >= fromMs && dueMs <= toMs
      ? [endedMs - dueMs]
      : [],
  );
}
