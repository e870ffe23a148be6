// What one row of a drill is: which failure, on which graph, against which budget of the matrix.

import type { FailureClass } from "../actors/child.ts";
import { beatIntervalMs } from "../actors/isolation/heartbeat.ts";
import type { DrillWord } from "../runtime/drilled.ts";
import { PROGRESS_LOOK_MS } from "../runtime/progress-watch.ts";
import { matrix } from "../supervisor/matrix.ts";
import type { Layer } from "../supervisor/matrix-rules.ts";
import type { Fault } from "./faults.ts";
import type { ActorForm, GraphMaker } from "./graphs.ts";
import type { Keeps } from "./judge.ts";

export type Isolation = ActorForm["isolation"];
export type DrilledLayer = Exclude<Layer, "swarm">;

export type Scenario = {
  readonly layer: DrilledLayer;
  readonly failure: FailureClass;
  /** What is done, one word: throw, kill... */
  readonly kind: string;
  readonly isolation: Isolation;
  readonly durable: boolean;
  readonly graph: GraphMaker;
  /** Whose recovery is measured, by number of the trial. */
  readonly target: (trial: number) => string;
  /** Who fails; default: the target. */
  readonly victim?: string;
  /** None where nothing of the cell stands outside of what fails. */
  readonly siblings: readonly string[];
  readonly keeps: Keeps;
  readonly fault: Fault;
  readonly budgetMs: number;
  /** How the budget comes about, where it is not the matrix's alone. */
  readonly budgetNote?: string;
  readonly probeEveryMs: number;
  /** Load before the failure and after the recovery, at least. */
  readonly steadyMs: number;
  /** Whether the failure waits until a second process of the node stands by. */
  readonly awaitsSpare: boolean;
  /** How the cell differs from a user's. */
  readonly words: readonly DrillWord[];
  /** Trials after which a new cell is started, because the cell's own bounds on failures would answer instead. */
  readonly trialsPerCell: number;
};

export const ISOLATIONS: readonly Isolation[] = ["shared", "worker", "process"];
export const ISOLATED: readonly Isolation[] = ["worker", "process"];
export const DURABILITIES: readonly boolean[] = [false, true];
export const MANY_TRIALS = 500;

/** Long enough for a failure's effect on siblings to be seen. */
export const STEADY_MS = 50;
/** Where each failure takes a spare worker or process, which are made one at a time. */
export const STEADY_WITH_SPARES_MS = 100;

/** Progress limit of actors that hang in a drill. */
export const PROGRESS_MS = 200;
export const PROGRESS = { progress: `${PROGRESS_MS}ms` } as const;
export const MEMORY = { limits: { memory: "64MiB" } } as const;

/** Until a hang is noticed, at the latest: the matrix's budgets begin there. */
export const WAIT_NOTICED_MS = PROGRESS_MS + PROGRESS_LOOK_MS;
export const LOOP_NOTICED_MS = PROGRESS_MS + beatIntervalMs(PROGRESS_MS);

export type Budget = Pick<Scenario, "budgetMs" | "budgetNote">;

/** p99 that the matrix allows, and what a hang takes to be noticed. */
export function budgetOf(
  layer: DrilledLayer,
  failure: FailureClass,
  isolation: Isolation,
  detectionMs = 0,
): Budget {
  const rule = matrix[layer][failure];
  if (rule.kind !== "rule") throw new RangeError(`${layer} ${failure} has no rule in the matrix`);
  const budgetMs = isolation === "shared" ? rule.budgetMs : (rule.isolatedBudgetMs ?? rule.budgetMs);
  if (detectionMs === 0) return { budgetMs };
  return {
    budgetMs: budgetMs + detectionMs,
    budgetNote: `${detectionMs} ms of it until it is noticed`,
  };
}

/** What kills again is given the budget of each death. */
export function ofDeaths(deaths: number, who: "actor" | "process", budget: Budget): Budget {
  if (deaths === 1) return budget;
  return { budgetMs: budget.budgetMs * deaths, budgetNote: `the ${who} dies ${deaths} times` };
}

export function keptBy(isolation: Isolation, durable: boolean): Keeps {
  if (durable) return "everything";
  return isolation === "shared" ? "snapshot" : "rollback";
}
