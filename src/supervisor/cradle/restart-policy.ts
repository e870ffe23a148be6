// When a process that died is started again: at once when it had worked for a
// while, later and later when it dies as soon as it is there, and no more beyond the
// bound of its failure's class. What an actor's code does counts for that actor first:
// it is parked for it, so that nobody who may send to it takes the cell down. Pure; the
// bounds come from the matrix, as data.
import type { FailureClass } from "../../actors/child.ts";

export type RestartLimit = { readonly restarts: number; readonly periodMs: number };

export type RestartRule = RestartLimit & {
  /** Deaths laid to one actor that do not count: it is parked for them, within that time. */
  readonly parkedAfter?: { readonly deaths: number; readonly periodMs: number };
};

/** By what a process died of; where no rule stands, it stays down. */
export type RestartRules = { readonly [C in FailureClass]?: RestartRule };

const FIRST_BACKOFF_MS = 10;
const MAX_BACKOFF_MS = 2_000;

/** A process that worked for this long did come up: its death is none in a row. */
export const WORKED_MS = 1_000;

export type Death = {
  readonly atMs: number;
  readonly failure: FailureClass;
  /** The actor whose code ended the process, where that is known. */
  readonly actor?: string | undefined;
};

export type RestartDecision = {
  /** Those that some rule looks back on, this one included. */
  readonly deaths: readonly Death[];
} & (
  | { readonly kind: "restart"; readonly inMs: number }
  /** Without a limit no rule lets it be started again. */
  | { readonly kind: "giveUp"; readonly limit?: RestartLimit }
);

/** @param inARow deaths, this one included, of processes that had not worked for a second */
export function decideRestart(
  before: readonly Death[],
  death: Death,
  rules: RestartRules,
  inARow: number,
): RestartDecision {
  const within = (periodMs: number) => (each: Death) => death.atMs - each.atMs < periodMs;
  const periods = Object.values(rules).map(({ periodMs }) => periodMs);
  const deaths = [...before.filter(within(Math.max(0, ...periods))), death];
  const rule = rules[death.failure];
  if (rule === undefined) return { kind: "giveUp", deaths };
  const { restarts, periodMs } = rule;
  if (ofTheProcess(deaths.filter(within(periodMs)), rules) > restarts)
    return { kind: "giveUp", deaths, limit: { restarts, periodMs } };
  return { kind: "restart", deaths, inMs: backoffMs(inARow) };
}

/** An actor is parked for its first deaths; more than those show that parking does not help. */
function ofTheProcess(deaths: readonly Death[], rules: RestartRules): number {
  const byActor = new Map<string, number>();
  let counted = 0;
  for (const { actor, failure } of deaths) {
    const spared = rules[failure]?.parkedAfter?.deaths ?? 0;
    const before = actor === undefined ? spared : (byActor.get(actor) ?? 0);
    if (actor !== undefined) byActor.set(actor, before + 1);
    if (before >= spared) counted += 1;
  }
  return counted;
}

/** The first death is answered at once; deaths in a row wait longer and longer. */
function backoffMs(deaths: number): number {
  if (deaths <= 1) return 0;
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (deaths - 1));
}
