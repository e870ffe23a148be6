// Runs a campaign in a thread of its own and watches that it gets on: an input over which it does
// not, or over which the thread dies, is a finding like any other.
import { setInterval } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Report } from "./campaign.ts";
import type { Target } from "./target.ts";

/** Seed of the batch in hand, place of the input in it, inputs so far. */
export type Progress = Int32Array<SharedArrayBuffer>;
export type Task = {
  readonly target: string;
  readonly seed: number;
  readonly ms: number;
  readonly progress: Progress;
};

/** Longer than one input may take, and than a failing one is made smaller. */
const HANG_MS = 30_000;
const LOOK_EVERY_MS = 100;
const WORKER = new URL("./worker.ts", import.meta.url);

export type WatchOptions = {
  readonly seed: number;
  readonly ms: number;
  /** Default 30 s. */
  readonly hangMs?: number;
  /** Default: the one beside this file. */
  readonly worker?: URL;
};

export async function watched(
  target: Target,
  { seed, ms, hangMs = HANG_MS, worker = WORKER }: WatchOptions,
): Promise<Report> {
  const progress: Progress = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  const started = performance.now();
  const task: Task = { target: target.name, seed, ms, progress };
  const thread = new Worker(worker, { workerData: task });
  const ended = new AbortController();
  const outcomes = [outcomeOf(thread), hang(progress, hangMs, ended.signal)];
  const report = await Promise.race(outcomes).finally(() => ended.abort());
  await thread.terminate();
  if (typeof report !== "string") return report;
  const [batch = seed, run = 0, inputs = 0] = progress;
  const finding = { seed: batch, what: report, input: target.inputAt(batch, run) };
  const spentMs = performance.now() - started;
  return {
    ...{ target: target.name, inputs, ms: spentMs, outcomes: {} },
    ...{ slowest: { ms: spentMs, input: finding.input }, finding },
  };
}

/** What it reports; a text: why it cannot. */
const outcomeOf = (thread: Worker): Promise<Report | string> =>
  new Promise((resolve) => {
    thread.once("message", (report: Report) => resolve(report));
    thread.once("error", (cause) =>
      resolve(`its thread died: ${cause instanceof Error ? cause.message : cause}`),
    );
  });

async function hang(progress: Progress, hangMs: number, signal: AbortSignal): Promise<string> {
  let [seen, sinceMs] = [-1, performance.now()];
  try {
    for await (const _ of setInterval(LOOK_EVERY_MS, undefined, { signal })) {
      const inputs = Atomics.load(progress, 2);
      if (inputs !== seen) [seen, sinceMs] = [inputs, performance.now()];
      else if (performance.now() - sinceMs > hangMs) return `it does not come to an end within ${hangMs} ms`;
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
  return "";
}
