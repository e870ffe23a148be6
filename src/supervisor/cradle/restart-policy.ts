// When a process that died is started again: at once when it had worked for a
// while, later and later when it dies as soon as it is there, and no more beyond a
// bound. What an actor's code does counts for that actor first: it is parked for it, so
// that nobody who may send to it takes the cell down. Pure.
import { PARKED_AFTER } from "../matrix.ts";

export type RestartLimit = { readonly restarts: number; readonly periodMs: number };

const FIRST_BACKOFF_MS = 10;
const MAX_BACKOFF_MS = 2_000;

/** A process that worked for this long did come up: its death is none in a row. */
export const WORKED_MS = 1_000;

export type Death = {
  readonly atMs: number;
  /** The actor whose code ended the process, where that is known. */
  readonly actor?: string | undefined;
};

export type RestartDecision = {
  /** Those within the period, this one included. */
  readonly deaths: readonly Death[];
} & ({ readonly kind: "restart"; readonly inMs: number } | { readonly kind: "giveUp" });

/** @param inARow deaths, this one included, of processes that had not worked for a second */
export function decideRestart(
  deaths: readonly Death[],
  death: Death,
  { restarts, periodMs }: RestartLimit,
  inARow: number,
): RestartDecision {
  const recent = [...deaths.filter(({ atMs }) => death.atMs - atMs < periodMs), death];
  if (ofTheProcess(recent) > restarts) return { kind: "giveUp", deaths: recent };
  return { kind: "restart", deaths: recent, inMs: backoffMs(inARow) };
}

/** An actor is parked for its first deaths; more than those show that parking does not help. */
function ofTheProcess(deaths: readonly Death[]): number {
  const byActor = new Map<string, number>();
  let counted = 0;
  for (const { actor } of deaths) {
    const before = actor === undefined ? PARKED_AFTER.deaths : (byActor.get(actor) ?? 0);
    if (actor !== undefined) byActor.set(actor, before + 1);
    if (before >= PARKED_AFTER.deaths) counted += 1;
  }
  return counted;
}

/** The first death is answered at once; deaths in a row wait longer and longer. */
function backoffMs(deaths: number): number {
  if (deaths <= 1) return 0;
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (deaths - 1));
}
