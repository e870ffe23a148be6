// Hangs are found by progress, not by liveness: work is in hand and no step was taken for
// longer than the actor may. Pure; who looks, and how often, is the caller's.

export type Progress = {
  /** Whether an intent is begun and unanswered, or waits. */
  readonly hasWork: boolean;
  /** When the last step was taken, or the first work came after none; monotonic. */
  readonly steppedAtMs: number;
  /** Whether it waits for the answer of another actor. */
  readonly waitsForOthers: boolean;
  /** The latest deadline of what is in hand. */
  readonly deadlineUnixMs: number | undefined;
};

export type ProgressNow = { readonly monotonicMs: number; readonly unixMs: number };

/**
 * For how long it has stood still, when that is longer than allowed; else undefined. Who waits
 * for another actor may do so to the latest deadline of what it has in hand.
 */
export function stalledForMs(progress: Progress, boundMs: number, now: ProgressNow): number | undefined {
  if (!progress.hasWork) return undefined;
  const stalledMs = now.monotonicMs - progress.steppedAtMs;
  if (stalledMs <= boundMs) return undefined;
  const { waitsForOthers, deadlineUnixMs } = progress;
  return waitsForOthers && deadlineUnixMs !== undefined && now.unixMs <= deadlineUnixMs
    ? undefined
    : stalledMs;
}
