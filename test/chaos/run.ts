// Chaos: a cell of its own, kills at all layers drawn from a seed, and a judge in another
// process that knows nothing of them. Stops killing at the end, waits for the verdict, and
// writes down every kill, so that what was found can be led back to it.
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { seededRandom } from "../../src/actors/testkit/seeded-random.ts";
import { openCell } from "../../src/drill/cell.ts";
import { type JudgeHandle, startJudge } from "./judge-handle.ts";
import { type Killer, killerOf } from "./kill.ts";
import { EVERYTHING, type KillKind, kills, VOLATILE, type Weights } from "./plan.ts";
import { chaosGraph, type Modules, modules, rosterOf } from "./roster.ts";
import { faultsOf, type Verdict } from "./verdict.ts";

export type ChaosOptions = {
  readonly ms: number;
  readonly seed: number;
  /** Behaviours in place of those that are sound, for a chaos that must find something. */
  readonly modules?: Partial<Modules>;
  readonly weights?: Weights;
  /** Default durable: it kills processes too. */
  readonly form?: ChaosReport["form"];
  /** Between two intents on one actor, ms; default 100. */
  readonly everyMs?: number;
  /** After which what actors send each other, and timers, count as lost, ms; default 240,000. */
  readonly settleMs?: number;
  /** Leaves trace and directory behind also when nothing was found. */
  readonly keep?: boolean;
  /** Told every few seconds. */
  readonly onProgress?: (progress: Progress) => void;
};

export type Progress = {
  readonly elapsedMs: number;
  readonly kills: number;
  readonly judge: Readonly<Record<string, number>>;
};

export type ChaosReport = {
  readonly seed: number;
  readonly form: "durable" | "volatile";
  readonly everyMs: number;
  readonly kills: Readonly<Partial<Record<KillKind, number>>>;
  readonly verdict: Verdict;
  /** Deaths that chaos did not cause. */
  readonly unplanned: readonly string[];
  /** One line a kill, JSON; removed when nothing was found. */
  readonly trace: string;
  /** Of the cell: its logs, events and streams; removed when nothing was found. */
  readonly directory: string;
  readonly faults: readonly string[];
};

/** Of every actor. */
const EVERY_MS = 100;
/** An actor that was sent a number may be down when its sender is asked, and a timer not yet due. */
const SETTLE_MS = 240_000;
const PROGRESS_EVERY_MS = 5_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { ms, seed, form = "durable", everyMs = EVERY_MS, settleMs = SETTLE_MS } = options;
  const folder = await mkdtemp(join(tmpdir(), "cell0-chaos-"));
  const trace = join(folder, "trace.jsonl");
  const cell = await openCell({ manifest: chaosGraph({ ...modules, ...options.modules }, form), keep: true });
  let judge: JudgeHandle | undefined;
  let isClean = false;
  try {
    judge = await startJudge(cell, { form, everyMs, settleMs });
    const { progress, poison } = judge;
    const killer = killerOf({
      cell,
      roster: rosterOf(form),
      poison,
      write: (line) => appendFile(trace, `${line}\n`),
    });
    const weights = options.weights ?? (form === "durable" ? EVERYTHING : VOLATILE);
    await killUntil(killer, kills(seededRandom(seed), weights), ms, (elapsedMs) =>
      options.onProgress?.({ elapsedMs, kills: killer.total(), judge: progress() }),
    );
    await killer.settled();
    const verdict = await judge.verdict();
    const unplanned = cell.deaths().filter((death) => isUnplanned(death, form));
    const faults = [...unplannedFaults(unplanned, form), ...faultsOf(verdict, form)];
    isClean = faults.length === 0 && options.keep !== true;
    const { directory } = cell;
    return { seed, form, everyMs, kills: killer.counts(), verdict, unplanned, trace, directory, faults };
  } finally {
    judge?.end();
    await cell.stop();
    // What is needed to see why stays behind.
    for (const each of isClean ? [folder, cell.directory] : [])
      await rm(each, { recursive: true, force: true });
  }
}

/** Of durable actors a death takes nothing; that a loop stood still says more of a machine that is busy. */
const unplannedFaults = (unplanned: readonly string[], form: ChaosReport["form"]): readonly string[] =>
  unplanned
    .filter((death) => form === "volatile" || !/: (stuck|silent) /.test(death))
    .map((death) => `died unplanned: ${death}`);

/** Durable chaos kills processes, by signals alone. */
const isUnplanned = (death: string, form: ChaosReport["form"]): boolean =>
  form === "volatile" ? death.startsWith("node") : !/: (SIGKILL|stopped by a signal.*)$/.test(death);

async function killUntil(
  killer: Killer,
  plan: ReturnType<typeof kills>,
  ms: number,
  progress: (elapsedMs: number) => void,
): Promise<void> {
  const startedMs = performance.now();
  let toldMs = startedMs;
  for (const kill of plan) {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs >= ms) return;
    if (performance.now() - toldMs >= PROGRESS_EVERY_MS) {
      toldMs = performance.now();
      progress(elapsedMs);
    }
    await pause(kill.afterMs);
    await killer.kill(kill);
  }
}
