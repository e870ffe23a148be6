// When a process that died is started again: at once when it had worked for a
// while, later and later when it dies as soon as it is there, and no more beyond a
// bound. Pure.

export type RestartLimit = { readonly restarts: number; readonly periodMs: number };

const FIRST_BACKOFF_MS = 10;
const MAX_BACKOFF_MS = 2_000;

/** A process that worked for this long did come up: its death is none in a row. */
export const WORKED_MS = 1_000;

export type RestartDecision = {
  /** Times of the deaths that still count, this one included. */
  readonly deaths: readonly number[];
} & ({ readonly kind: "restart"; readonly inMs: number } | { readonly kind: "giveUp" });

/** @param inARow deaths, this one included, of processes that had not worked for a second */
export function decideRestart(
  deaths: readonly number[],
  nowMs: number,
  { restarts, periodMs }: RestartLimit,
  inARow: number,
): RestartDecision {
  const counted = [...deaths.filter((at) => nowMs - at < periodMs), nowMs];
  if (counted.length > restarts) return { kind: "giveUp", deaths: counted };
  return { kind: "restart", deaths: counted, inMs: backoffMs(inARow) };
}

/** The first death is answered at once; deaths in a row wait longer and longer. */
function backoffMs(deaths: number): number {
  if (deaths <= 1) return 0;
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (deaths - 1));
}
