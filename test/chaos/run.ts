// Chaos: a cell of its own, kills at all layers drawn from a seed, and a judge in another
// process that knows nothing of them. Stops killing at the end, waits for the verdict, and
// writes down every kill, so that what was found can be led back to it.
import { type ChildProcess, fork } from "node:child_process";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { seededRandom } from "../../src/actors/testkit/seeded-random.ts";
import { type OwnCell, openCell } from "../../src/drill/cell.ts";
import { behaviourModule } from "../../src/drill/graphs.ts";
import { ALONE, chaosGraph, GROUPED } from "./actors.ts";
import type { Verdict } from "./judge-process.ts";
import { type Killer, killerOf } from "./kill.ts";
import { EVERYTHING, type KillKind, kills, type Weights } from "./plan.ts";

export type ChaosOptions = {
  readonly ms: number;
  readonly seed: number;
  /** Behaviour in place of the drill's own, for a chaos that must find something. */
  readonly module?: string;
  readonly weights?: Weights;
  /** Default durable: it kills processes too. */
  readonly form?: ChaosReport["form"];
  /** Between two intents on one actor, ms; default 40. */
  readonly everyMs?: number;
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
const EVERY_MS = 40;
/** Without durable actors: nothing that ends the node's process. */
const VOLATILE: Weights = { throw: 60, unprovoked: 30, core: 2, broker: 2 };
const PROGRESS_EVERY_MS = 5_000;
const VERDICT_WITHIN_MS = 240_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { ms, seed, module = behaviourModule(), form = "durable", everyMs = EVERY_MS } = options;
  const folder = await mkdtemp(join(tmpdir(), "cell0-chaos-"));
  const trace = join(folder, "trace.jsonl");
  const cell = await openCell({ manifest: chaosGraph(module, form === "durable"), keep: true });
  let judge: ChildProcess | undefined;
  let isClean = false;
  try {
    judge = await startJudge(cell, form, everyMs);
    const told: { progress: Record<string, number> } = { progress: {} };
    judge.on("message", (message) => {
      const progress: unknown = Reflect.get(Object(message), "progress");
      if (typeof progress === "object" && progress !== null) told.progress = { ...progress };
    });
    const weights = options.weights ?? (form === "durable" ? EVERYTHING : VOLATILE);
    const killer = killerOf(cell, { write: (line) => appendFile(trace, `${line}\n`) });
    await killUntil(killer, kills(seededRandom(seed), weights, ALONE + GROUPED), ms, (elapsedMs) =>
      options.onProgress?.({ elapsedMs, kills: killer.total(), judge: told.progress }),
    );
    await killer.settled();
    const verdict = await verdictOf(judge);
    const unplanned = cell.deaths().filter((death) => isUnplanned(death, form));
    const faults = [...unplannedFaults(unplanned, form), ...faultsOf(verdict)];
    isClean = faults.length === 0 && options.keep !== true;
    return {
      seed,
      form,
      kills: killer.counts(),
      verdict,
      unplanned,
      trace,
      directory: cell.directory,
      faults,
    };
  } finally {
    judge?.kill("SIGKILL");
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

async function startJudge(cell: OwnCell, form: ChaosReport["form"], everyMs: number): Promise<ChildProcess> {
  const judge = fork(
    join(import.meta.dirname, "judge-process.ts"),
    [cell.operatorCreds, cell.brokerAuthority, form, String(everyMs)],
    {
      execArgv: [],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    },
  );
  const ready = new Promise<void>((resolve, reject) => {
    judge.once("message", () => resolve());
    judge.once("exit", (code) => reject(new Error(`the judge ended with ${code}`)));
  });
  await ready;
  return judge;
}

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

/** Nothing is killed any more: the judge asks every actor once more. */
async function verdictOf(judge: ChildProcess): Promise<Verdict> {
  const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
  const timer = setTimeout(() => reject(new Error("the judge comes to no end")), VERDICT_WITHIN_MS);
  judge.on("message", (message) => {
    if (Reflect.get(Object(message), "type") === "verdict") resolve(Reflect.get(Object(message), "verdict"));
  });
  judge.once("exit", (code) => reject(new Error(`the judge ended with ${code}`)));
  judge.send({ type: "end" });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

export function faultsOf({ answered, lost, duplicated, recordFaults }: Verdict): readonly string[] {
  return [
    ...(answered === 0 ? ["nothing was answered"] : []),
    ...lost.map((what) => `lost: ${what}`),
    ...duplicated.map((what) => `doubled: ${what}`),
    ...recordFaults,
  ];
}
