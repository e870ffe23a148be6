// What a process had in hand at its deaths, for the one that comes after it: by it the
// node tells whose intent is poison, and which actor is parked for ending its process.
import { endedOfItself, failureOfExit } from "./describe-exit.ts";
import type { ProcessExit, Suspect } from "./process-spec.ts";
import type { RestartRules } from "./restart-policy.ts";

/** Actors and intents that the next process hears of. */
const MAX_SUSPECTS = 64;
/** An intent in a journal may come again until its deadline: an hour at most. */
const SUSPECT_FOR_MS = 3_600_000;

/**
 * Of processes that were ready again meanwhile, too: it may come again. The latest last.
 * @param rules an actor is parked for what it did within their time, which may be longer
 */
export function withDeath(
  suspects: readonly Suspect[],
  exit: ProcessExit,
  nowUnixMs: number,
  rules: RestartRules,
): readonly Suspect[] {
  const periods = Object.values(rules).map(({ parkedAfter }) => parkedAfter?.periodMs ?? 0);
  const keptMs = Math.max(SUSPECT_FOR_MS, ...periods);
  const recent = suspects.filter(({ atUnixMs }) => nowUnixMs - atUnixMs < keptMs);
  if (exit.inHand === undefined) return recent;
  const failure = endedOfItself(exit) ? { failure: failureOfExit(exit) } : {};
  return [...recent, { ...exit.inHand, atUnixMs: nowUnixMs, ...failure }].slice(-MAX_SUSPECTS);
}

/** The actor that a death is laid to; the node's own actors are the node. */
export function actorToBlame(exit: ProcessExit): string | undefined {
  const actor = endedOfItself(exit) ? exit.inHand?.actor : undefined;
  return actor === undefined || actor.startsWith("kernel/") ? undefined : actor;
}
