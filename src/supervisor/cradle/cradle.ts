// The cradle: the tiny parent of a node's processes (broker, core, node). It
// holds no keys and reads nothing from outside; it starts, watches, starts again
// and stops. Layer 4 of the resurrection matrix.
import { type ManagedProcess, startProcess } from "./managed-process.ts";
import type { ProcessExit, ProcessSpec } from "./process-spec.ts";

/** First wait before a process is started again; doubles with each failure in a row. */
const FIRST_BACKOFF_MS = 10;
const MAX_BACKOFF_MS = 2_000;
/** Restarts within this period count as in a row. */
const CRASH_LOOP_PERIOD_MS = 60_000;
/** More restarts than this within the period end the cradle. */
const CRASH_LOOP_RESTARTS = 10;

export type CradleEvent =
  | { readonly kind: "starting"; readonly name: string }
  | { readonly kind: "ready"; readonly name: string; readonly elapsedMs: number; readonly detail: unknown }
  | { readonly kind: "died"; readonly name: string; readonly exit: ProcessExit; readonly restartInMs: number }
  | { readonly kind: "gaveUp"; readonly name: string; readonly exit: ProcessExit; readonly log: string }
  | { readonly kind: "message"; readonly name: string; readonly message: unknown };

export type Cradle = {
  /** Resolves when every process has been ready once; never when the cradle ends before. */
  readonly ready: Promise<void>;
  /** Resolves when every process is gone, with the process that could not be kept alive, if any. */
  readonly ended: Promise<{ readonly gaveUp?: { readonly name: string; readonly log: string } }>;
  pids(): Readonly<Record<string, number>>;
  /** Stops in reverse start order, each with its own grace. */
  stop(): Promise<void>;
  /** Kills all at once. */
  kill(): Promise<void>;
};

type Slot = {
  readonly spec: ProcessSpec;
  process: ManagedProcess | undefined;
  restarts: number[];
  wasReady: boolean;
};

/** Starts every process at once, in order, without waiting for one before the next: they wait for each other. */
export function startCradle(specs: readonly ProcessSpec[], onEvent: (event: CradleEvent) => void): Cradle {
  const slots: Slot[] = specs.map((spec) => ({ spec, process: undefined, restarts: [], wasReady: false }));
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<{ gaveUp?: { name: string; log: string } }>();
  const timers = new Set<NodeJS.Timeout>();
  let stopping = false;

  const launch = (slot: Slot) => {
    if (stopping) return;
    const startedAt = performance.now();
    onEvent({ kind: "starting", name: slot.spec.name });
    const running = startProcess(slot.spec, (message) =>
      onEvent({ kind: "message", name: slot.spec.name, message }),
    );
    slot.process = running;
    void running.ready.then((detail) => {
      slot.wasReady = true;
      onEvent({ kind: "ready", name: slot.spec.name, elapsedMs: performance.now() - startedAt, detail });
      if (slots.every(({ wasReady }) => wasReady)) ready.resolve();
    });
    void running.exited.then((exit) => {
      if (!stopping) revive(slot, exit);
    });
  };

  const revive = (slot: Slot, exit: ProcessExit) => {
    const now = performance.now();
    slot.restarts = [...slot.restarts.filter((at) => now - at < CRASH_LOOP_PERIOD_MS), now];
    const { name, log } = slot.spec;
    if (slot.restarts.length > CRASH_LOOP_RESTARTS) {
      onEvent({ kind: "gaveUp", name, exit, log });
      void stop({ gaveUp: { name, log } });
      return;
    }
    const restartInMs = backoffMs(slot.restarts.length);
    onEvent({ kind: "died", name, exit, restartInMs });
    const timer = setTimeout(() => {
      timers.delete(timer);
      launch(slot);
    }, restartInMs);
    timers.add(timer);
  };

  const quiet = () => {
    stopping = true;
    for (const timer of timers) clearTimeout(timer);
  };
  const stop = async (result: { gaveUp?: { name: string; log: string } } = {}) => {
    quiet();
    for (const slot of slots.toReversed()) await slot.process?.stop();
    ended.resolve(result);
  };
  const kill = async () => {
    quiet();
    await Promise.all(slots.map((slot) => slot.process?.kill()));
    ended.resolve({});
  };

  for (const slot of slots) launch(slot);
  return {
    ready: ready.promise,
    ended: ended.promise,
    pids: () => pidsOf(slots),
    stop: () => stop(),
    kill,
  };
}

/** The first death is answered at once; deaths in a row wait longer and longer. */
function backoffMs(restartsInPeriod: number): number {
  if (restartsInPeriod <= 1) return 0;
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (restartsInPeriod - 1));
}

function pidsOf(slots: readonly Slot[]): Readonly<Record<string, number>> {
  const pids: Record<string, number> = {};
  for (const { spec, process } of slots) {
    if (process?.pid !== undefined) pids[spec.name] = process.pid;
  }
  return pids;
}
