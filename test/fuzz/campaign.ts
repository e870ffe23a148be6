// Runs a target batch by batch until its time is over, or until something is found.
import type { Batch, Finding, Target } from "./target.ts";

/** Inputs of one seed: what is found is found again by that seed within so many. */
export const BATCH_RUNS = 200;
export const SEEDS = 2 ** 31;

export type Report = {
  readonly target: string;
  readonly inputs: number;
  readonly ms: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly slowest: Batch["slowest"];
  readonly finding: Finding | undefined;
};

export type Campaign = {
  readonly seed: number;
  readonly ms: number;
  /** Told of each input before it is tried: its batch's seed, and its place in the batch. */
  readonly onInput?: (seed: number, run: number) => void;
};

export function campaign(target: Target, { seed, ms, onInput }: Campaign): Report {
  const started = performance.now();
  const outcomes: Record<string, number> = {};
  let inputs = 0;
  let slowest: Batch["slowest"] = { ms: 0, input: "" };
  let finding: Finding | undefined;
  for (let at = 0; finding === undefined && (at === 0 || performance.now() - started < ms); at += 1) {
    const own = (seed + at) % SEEDS;
    const batch = target.run({ seed: own, runs: BATCH_RUNS, onInput: (run) => onInput?.(own, run) });
    for (const [outcome, count] of batch.outcomes) outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
    inputs += batch.inputs;
    if (batch.slowest.ms > slowest.ms) slowest = batch.slowest;
    finding = batch.finding;
  }
  return { target: target.name, inputs, ms: performance.now() - started, outcomes, slowest, finding };
}

export const repeatCommand = (target: string, { seed }: Finding): string =>
  `npm run fuzz -- --target ${target} --seed ${seed}`;
