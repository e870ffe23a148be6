// Drills one scenario: warm-up without failures, then trial after trial, each on a cell
// that stands, with a new cell where the old one's own bounds would answer instead.
import { CellError } from "../errors/cell-error.ts";
import type { DrillWord } from "../runtime/drilled.ts";
import type { OwnCell } from "./cell.ts";
import type { Clock } from "./ports.ts";
import type { Scenario } from "./scenario.ts";
import { latencies, SHADOW_MS, type SiblingSamples } from "./siblings.ts";
import { runTrial, type TrialPlan, type TrialResult } from "./trial.ts";

export type DrillOptions = {
  readonly trials: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly open: (manifest: string, words: readonly DrillWord[]) => Promise<OwnCell>;
  /** Behaviour in place of the package's own: for drills of the drill. */
  readonly module?: string;
  readonly onTrial?: (done: number, result: TrialResult) => void;
  readonly signal?: AbortSignal;
};

/** What was measured, before anything is summed up. */
export type Measured = {
  readonly trials: readonly TrialResult[];
  readonly siblings: readonly SiblingSamples[];
  /** Latencies of the target's intents without a failure, ms. */
  readonly unloadedMs: readonly number[];
  /** Faults that could not be caused: they are no trials, and are told apart. */
  readonly notInjected: readonly CellError[];
};

/** Trials that fail nothing, before the others, on each scenario's first cell. */
export const WARM_UP_TRIALS = 16;
/** Of a target that does not come back: far beyond every budget. */
const GIVE_UP_MS = 10_000;
/** Longer than every recovery within its budget, detection included. */
const DEADLINE_MS = 3_000;
/** Then the scenario ends, with what it has. */
const MAX_NOT_INJECTED = 3;

/** @throws CellError what kept the cell from running the graph */
export async function runScenario(scenario: Scenario, options: DrillOptions): Promise<Measured> {
  const { trials, open, signal, module } = options;
  const manifest = scenario.graph(module);
  const results: TrialResult[] = [];
  const notInjected: CellError[] = [];
  let cell = await open(manifest, scenario.words);
  try {
    const warmUp: TrialResult[] = [];
    for (let at = 0; at < WARM_UP_TRIALS; at += 1) {
      warmUp.push(await runTrial(cell, planOf(scenario, at, undefined), { ...options, trial: at }));
    }
    let onThisCell = 0;
    for (let at = 0; results.length < trials && signal?.aborted !== true; at += 1) {
      if (onThisCell >= scenario.trialsPerCell) {
        await cell.renew();
        onThisCell = 0;
      }
      const plan = planOf(scenario, at, scenario.fault);
      const result = await attempt(cell, plan, { ...options, trial: WARM_UP_TRIALS + at });
      onThisCell += 1;
      if (result instanceof CellError) {
        notInjected.push(result);
        if (notInjected.length >= MAX_NOT_INJECTED) break;
      } else {
        results.push(result);
        options.onTrial?.(results.length, result);
        if (result.recoveryMs !== undefined) continue;
      }
      // What did not come back is of no use to the next trial.
      await cell.stop();
      cell = await open(manifest, scenario.words);
      onThisCell = 0;
    }
    return {
      trials: results,
      siblings: samplesOf(scenario, warmUp, results),
      unloadedMs: warmUp.flatMap(({ target }) => latencies(target.sent, 0, Number.POSITIVE_INFINITY)),
      notInjected,
    };
  } finally {
    await cell.stop();
  }
}

const planOf = (scenario: Scenario, trial: number, fault: Scenario["fault"] | undefined): TrialPlan => ({
  target: scenario.target(trial),
  victim: scenario.victim,
  siblings: scenario.siblings,
  keeps: scenario.keeps,
  fault,
  probeEveryMs: scenario.probeEveryMs,
  steadyMs: scenario.steadyMs,
  awaitsSpare: fault !== undefined && scenario.awaitsSpare,
  deadlineMs: DEADLINE_MS,
  giveUpMs: GIVE_UP_MS,
});

/** A trial, or why its failure could not be caused. */
async function attempt(
  cell: OwnCell,
  plan: TrialPlan,
  options: Parameters<typeof runTrial>[2],
): Promise<TrialResult | CellError> {
  try {
    return await runTrial(cell, plan, options);
  } catch (error) {
    if (error instanceof CellError) return error;
    throw error;
  }
}

function samplesOf(
  scenario: Scenario,
  warmUp: readonly TrialResult[],
  results: readonly TrialResult[],
): readonly SiblingSamples[] {
  return scenario.siblings.map((path) => {
    const lanes = (trials: readonly TrialResult[]) =>
      trials.flatMap(({ siblings, failedAtMs, recoveryMs }) => {
        const shadowMs = Math.max(SHADOW_MS, 2 * (recoveryMs ?? 0));
        return siblings.flatMap((lane) => (lane.path === path ? [{ lane, failedAtMs, shadowMs }] : []));
      });
    return {
      path,
      unloadedMs: lanes(warmUp).flatMap(({ lane }) => latencies(lane.sent, 0, Number.POSITIVE_INFINITY)),
      shadowMs: lanes(results).flatMap(({ lane, failedAtMs, shadowMs }) =>
        latencies(lane.sent, failedAtMs, failedAtMs + shadowMs),
      ),
      failed: lanes(results).reduce(
        (count, { lane }) => count + lane.sent.filter(({ outcome }) => outcome.kind === "failed").length,
        0,
      ),
    };
  });
}
