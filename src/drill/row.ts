// One row of a drill's report: figures of a scenario, or why there are none. What makes a
// row red is decided here and nowhere else. Pure.
import type { FailureClass } from "../actors/child.ts";
import { percentile, round } from "./figures.ts";
import type { Measured } from "./run.ts";
import type { Isolation, Scenario } from "./scenario.ts";
import { isDisturbed } from "./siblings.ts";
import type { LaneResult } from "./trial.ts";

type Cell = {
  readonly layer: string;
  readonly failure: FailureClass;
  /** What is done, one word; empty for a whole cell of the matrix. */
  readonly kind: string;
};

export type Figures = Cell & {
  readonly state: "drilled";
  readonly isolation: Isolation;
  readonly durable: boolean;
  readonly target: string;
  readonly trials: number;
  /** Trials in which a new incarnation answered. */
  readonly recovered: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
  readonly budgetMs: number;
  readonly budgetNote?: string;
  /** Over target and siblings. */
  readonly lost: number;
  readonly duplicated: number;
  /** Never answered, where an answer is promised. */
  readonly unanswered: number;
  readonly siblings: number;
  readonly siblingsDisturbed: number;
  /** p99 of the target's intents without a failure. */
  readonly unloadedP99Ms: number | null;
  /** Answered by an earlier life and gone with its state, where that is allowed. */
  readonly rolledBack: number;
  /** Intents sent, and how those that failed ended. */
  readonly sent: number;
  /** Due and not sent, because too many were under way: the load was not kept up. */
  readonly notSent: number;
  readonly failed: Readonly<Record<string, number>>;
  /** Faults that could not be caused. */
  readonly notInjected: number;
  /** Recoveries after which the registry names no higher incarnation than before. */
  readonly notRisen: number;
  /** Processes that died though the failure was another's, by cause: what they lost is counted too. */
  readonly unplannedDeaths: Readonly<Record<string, number>>;
  readonly withinBudget: boolean;
  /** What makes it red; empty: nothing. */
  readonly faults: readonly string[];
};

export type Absent = Cell & {
  readonly isolation?: Isolation;
  readonly durable?: boolean;
  /** `broken`: it should have been drilled, and could not be. */
  readonly state: "not applicable" | "not drilled" | "broken";
  readonly reason: string;
};

export type Row = Figures | Absent;

export function figuresOf(scenario: Scenario, measured: Measured): Figures {
  const { trials, siblings, unloadedMs, notInjected } = measured;
  const times = trials.flatMap(({ recoveryMs }) => (recoveryMs === undefined ? [] : [recoveryMs]));
  const lanes = trials.flatMap(({ target, siblings: others }) => [target, ...others]);
  const count = (pick: (lane: LaneResult) => number) => lanes.reduce((total, lane) => total + pick(lane), 0);
  const figures = {
    trials: trials.length,
    recovered: times.length,
    p99Ms: msOf(times, 0.99),
    lost: count(({ verdict }) => verdict.lost.length),
    duplicated: count(({ verdict }) => verdict.duplicated.length),
    unanswered: count(({ verdict }) => verdict.unanswered.length),
    siblingsDisturbed: siblings.filter(isDisturbed).length,
    budgetMs: scenario.budgetMs,
    notInjected: notInjected.length,
    notRisen: trials.filter(({ recoveryMs, incarnationRose }) => recoveryMs !== undefined && !incarnationRose)
      .length,
  };
  const unplanned = scenario.layer === "process" ? [] : trials.flatMap(({ deaths }) => deaths);
  const withinBudget = figures.p99Ms !== null && figures.p99Ms <= scenario.budgetMs;
  const { layer, failure, kind, isolation, durable, budgetNote } = scenario;
  return {
    state: "drilled",
    layer,
    failure,
    kind,
    isolation,
    durable,
    target: scenario.target(0),
    ...figures,
    p50Ms: msOf(times, 0.5),
    maxMs: msOf(times, 1),
    ...(budgetNote === undefined ? {} : { budgetNote }),
    siblings: siblings.length,
    unloadedP99Ms: msOf(unloadedMs, 0.99),
    rolledBack: count(({ verdict }) => verdict.rolledBack),
    sent: count(({ sent }) => sent.length),
    notSent: trials.reduce((total, trial) => total + trial.notSent, 0),
    failed: failedOf(lanes),
    withinBudget,
    unplannedDeaths: tally(unplanned),
    faults: [
      ...faultsOf(figures, withinBudget),
      ...(unplanned.length > 0 ? [`${unplanned.length} processes died unplanned`] : []),
    ],
  };
}

const msOf = (samples: readonly number[], share: number): number | null =>
  samples.length === 0 ? null : round(percentile(samples, share));

function faultsOf(
  figures: Pick<
    Figures,
    | "trials"
    | "recovered"
    | "lost"
    | "duplicated"
    | "unanswered"
    | "siblingsDisturbed"
    | "notInjected"
    | "notRisen"
  >,
  withinBudget: boolean,
): readonly string[] {
  const { trials, recovered, lost, duplicated, unanswered, siblingsDisturbed, notInjected, notRisen } =
    figures;
  return [
    ...(trials === 0 ? ["nothing was measured"] : []),
    ...(recovered < trials ? [`${trials - recovered} did not recover`] : []),
    ...(recovered > 0 && !withinBudget ? ["over budget"] : []),
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(unanswered > 0 ? [`${unanswered} never answered`] : []),
    ...(duplicated > 0 ? [`${duplicated} doubled`] : []),
    ...(siblingsDisturbed > 0 ? [`${siblingsDisturbed} siblings disturbed`] : []),
    ...(notRisen > 0 ? [`${notRisen} incarnations did not rise`] : []),
    ...(notInjected > 0 ? [`${notInjected} failures could not be caused`] : []),
  ];
}

function failedOf(lanes: readonly LaneResult[]): Readonly<Record<string, number>> {
  const codes: Record<string, number> = {};
  for (const { verdict } of lanes) {
    for (const [code, count] of Object.entries(verdict.failed)) codes[code] = (codes[code] ?? 0) + count;
  }
  return codes;
}

function tally(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** Whether a report says that all is well: a budget kept, nothing lost, nothing doubled. */
export const isRed = (row: Row): boolean =>
  row.state === "broken" || (row.state === "drilled" && row.faults.length > 0);
