// The cradle: the tiny parent of a node's processes (broker, core, node). It
// holds no keys and reads nothing from outside; it starts, watches, starts again
// and stops. Layer 4 of the resurrection matrix.
import type { ProcessExit, ProcessSpec } from "./process-spec.ts";
import type { RestartLimit, RestartRules } from "./restart-policy.ts";
import { type Recovery, Slot, type SlotEvents, type SpareState } from "./slot.ts";

export type { Recovery } from "./slot.ts";

/** Recoveries that wait for the process that records them. */
const MAX_UNTOLD = 64;

export type CradleEvent =
  | { readonly kind: "starting"; readonly name: string }
  | {
      readonly kind: "ready";
      readonly name: string;
      readonly elapsedMs: number;
      readonly detail: unknown;
      /** Set when it died before. */
      readonly recovery?: Recovery;
    }
  | {
      readonly kind: "died";
      readonly name: string;
      readonly exit: ProcessExit;
      readonly restartInMs: number;
      readonly by: Recovery["by"];
    }
  | {
      readonly kind: "gaveUp";
      readonly name: string;
      readonly exit: ProcessExit;
      readonly log: string;
      /** More deaths than these; absent: what it died of lets nothing start it again. */
      readonly limit?: RestartLimit;
    }
  /** A second process stands by, or does not any more. */
  | {
      readonly kind: "spare";
      readonly name: string;
      readonly state: SpareState;
      readonly pid: number | undefined;
    }
  | { readonly kind: "message"; readonly name: string; readonly message: unknown };

export type CradleEnd = { readonly gaveUp?: { readonly name: string; readonly log: string } };

export type Cradle = {
  /** Resolves when every process has been ready once; never when the cradle ends before. */
  readonly ready: Promise<void>;
  /** Resolves when every process is gone, with the process that could not be kept alive, if any. */
  readonly ended: Promise<CradleEnd>;
  pids(): Readonly<Record<string, number>>;
  /** Of processes that are known by name: the next start of each is by these. */
  update(specs: readonly ProcessSpec[]): void;
  /** Stops in reverse start order, each with its own grace. */
  stop(): Promise<void>;
  /** Kills all at once. */
  kill(): Promise<void>;
};

/**
 * Starts every process at once, in order, without waiting for one before the next: they wait
 * for each other. The one that takes over is told of each recovery, to record it.
 * @param rules what each process may die of, and how often, before everything is stopped
 */
export function startCradle(
  specs: readonly ProcessSpec[],
  rules: RestartRules,
  onEvent: (event: CradleEvent) => void,
): Cradle {
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<CradleEnd>();
  let untold: readonly Recovery[] = [];
  /** Told to the process that records them, which has not said yet that it did: it may die before. */
  let unrecorded: readonly Recovery[] = [];

  const eventsOf = ({ name, log }: ProcessSpec): SlotEvents => ({
    starting: () => onEvent({ kind: "starting", name }),
    ready: (elapsedMs, detail, recovery, before) => {
      if (recovery !== undefined) untold = [...untold, ...before, recovery].slice(-MAX_UNTOLD);
      onEvent({ kind: "ready", name, elapsedMs, detail, ...(recovery === undefined ? {} : { recovery }) });
      tellRecoveries();
      if (slots.every(({ wasReady }) => wasReady)) ready.resolve();
    },
    died: (exit, restartInMs, by) => {
      if (name === recording?.spec.name) {
        untold = [...unrecorded, ...untold].slice(-MAX_UNTOLD);
        unrecorded = [];
      }
      onEvent({ kind: "died", name, exit, restartInMs, by });
    },
    gaveUp: (exit, limit) => {
      onEvent({ kind: "gaveUp", name, exit, log, ...(limit === undefined ? {} : { limit }) });
      void stop({ gaveUp: { name, log } });
    },
    message: (message) => {
      if (isRecorded(message)) unrecorded = unrecorded.slice(1);
      else onEvent({ kind: "message", name, message });
    },
    spare: (state, pid) => onEvent({ kind: "spare", name, state, pid }),
  });
  const slots = specs.map((spec) => new Slot(spec, rules, eventsOf(spec)));
  const recording = slots.find(({ spec }) => spec.takeover !== undefined);

  const tellRecoveries = () => {
    if (recording?.isReady !== true) return;
    for (const recovery of untold) recording.send({ type: "recovered", recovery });
    unrecorded = [...unrecorded, ...untold].slice(-MAX_UNTOLD);
    untold = [];
  };
  const stop = async (end: CradleEnd = {}) => {
    for (const slot of slots) slot.hold();
    for (const slot of slots.toReversed()) await slot.stop();
    ended.resolve(end);
  };
  const kill = async () => {
    for (const slot of slots) slot.hold();
    await Promise.all(slots.map((slot) => slot.kill()));
    ended.resolve({});
  };

  for (const slot of slots) slot.launch();
  return {
    ready: ready.promise,
    ended: ended.promise,
    pids: () => Object.assign({}, ...slots.map((slot) => slot.pids())),
    update(changed) {
      for (const spec of changed) slots.find((slot) => slot.spec.name === spec.name)?.startBy(spec);
    },
    stop: () => stop(),
    kill,
  };
}

const isRecorded = (message: unknown): boolean =>
  typeof message === "object" && message !== null && "type" in message && message.type === "recorded";
