// A target of fuzzing: inputs, and a law that each of them has to keep. Whatever is thrown over
// one, by the code under test or by the law's own check, is a finding, and so is taking too long.
import fc from "fast-check";

/** Told what came of an input: a code, or a word for what was accepted. */
export type Saw = (outcome: string) => void;

export type Law<T> = {
  readonly name: string;
  readonly inputs: fc.Arbitrary<T>;
  /** Throws where the law does not hold. The same for the same input, whatever came before. */
  readonly check: (input: T, saw: Saw) => void;
  /** All that somebody needs to make the input again. */
  readonly show: (input: T) => string;
  /** A smaller input that still fails; default: what fast-check comes to. */
  readonly smaller?: (input: T, fails: (smaller: T) => boolean) => T;
  /** Outcomes without which a run of `testRuns` inputs has shown nothing. */
  readonly mustSee: readonly string[];
  readonly testRuns: number;
};

export type Finding = { readonly seed: number; readonly what: string; readonly input: string };

export type Batch = {
  readonly inputs: number;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly slowest: { readonly ms: number; readonly input: string };
  readonly finding: Finding | undefined;
};

export type BatchOptions = {
  /** From 0 to 2^31 - 1: the same seed and number of runs make the same inputs. */
  readonly seed: number;
  readonly runs: number;
  /** Called before each input, while none has failed. */
  readonly onInput?: (run: number) => void;
};

export type Target = Pick<Law<unknown>, "name" | "mustSee" | "testRuns"> & {
  run(options: BatchOptions): Batch;
  inputAt(seed: number, run: number): string;
};

/** For one input. The fastest of three tries counts, so that a busy machine makes no finding. */
const SLOW_MS = 1_000;
const TRIES = 3;
/** For making a failing input smaller, twice: fast-check its parts, then `smaller` the whole. */
const SHRINKING_MS = 5_000;

export type Stopwatch = { readonly slowMs: number; readonly nowMs: () => number };
const STOPWATCH: Stopwatch = { slowMs: SLOW_MS, nowMs: () => performance.now() };

export function targetOf<T>(law: Law<T>, watch = STOPWATCH): Target {
  const { name, inputs, show, mustSee, testRuns } = law;
  return {
    name,
    mustSee,
    testRuns,
    inputAt: (seed, run) =>
      fc
        .sample(inputs, { seed, numRuns: run + 1 })
        .slice(run)
        .map(show)
        .join(),
    run: ({ seed, runs, onInput }) => {
      const outcomes = new Map<string, number>();
      const saw = (outcome: string) => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const slowest: { ms: number; input?: T } = { ms: -1 };
      let run = 0;
      let shrinkingUntilMs: number | undefined;
      const judge = (input: T): void => {
        if (shrinkingUntilMs !== undefined && watch.nowMs() > shrinkingUntilMs) return;
        if (shrinkingUntilMs === undefined) onInput?.(run++);
        try {
          const ms = timed(law, input, saw, watch);
          if (ms > slowest.ms) Object.assign(slowest, { ms, input });
        } catch (cause) {
          shrinkingUntilMs ??= watch.nowMs() + SHRINKING_MS;
          throw cause;
        }
      };
      const details = fc.check(fc.property(inputs, judge), { seed, numRuns: runs });
      const slow = { ms: slowest.ms, input: slowest.input === undefined ? "" : show(slowest.input) };
      const failing = details.failed ? details.counterexample : null;
      const finding = failing === null ? undefined : findingOf(law, failing[0], seed, watch);
      return { inputs: details.numRuns, outcomes, slowest: slow, finding };
    },
  };
}

function findingOf<T>(law: Law<T>, failing: T, seed: number, watch: Stopwatch): Finding {
  const { show, smaller = (input) => input } = law;
  const untilMs = watch.nowMs() + SHRINKING_MS;
  const fault = (input: T): string | undefined => {
    try {
      timed(law, input, () => {}, watch);
      return undefined;
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  };
  const smallest = smaller(failing, (input) => watch.nowMs() < untilMs && fault(input) !== undefined);
  return { seed, what: fault(smallest) ?? "it failed once, and not again", input: show(smallest) };
}

/** How long it took, ms. Throws what the law throws, and when it took too long. */
function timed<T>({ check }: Law<T>, input: T, saw: Saw, { slowMs, nowMs }: Stopwatch): number {
  let ms = Number.POSITIVE_INFINITY;
  for (let tried = 0; tried < TRIES && ms > slowMs; tried += 1) {
    const from = nowMs();
    check(input, tried === 0 ? saw : () => {});
    ms = Math.min(ms, nowMs() - from);
  }
  if (ms > slowMs) throw new Error(`it took ${Math.round(ms)} ms`);
  return ms;
}
