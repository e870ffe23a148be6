// What the tree needs from outside: how an actor is started, time, randomness and a
// place for records. The composition root fills these in; tests use virtual ones.
import type { Child, Incarnation } from "../actors/child.ts";
import type { ActorSpec } from "../manifest/graph.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { SetAside } from "./set-aside.ts";

/** A child whose last good state outlives it. Read once, after its end. */
export type RestorableChild = Child & { lastGoodSnapshot?(): unknown };

/** What a start resolves to when the child declines to start: Erlang's `ignore`. */
export const IGNORED = "ignored";
export type Started = RestorableChild | typeof IGNORED;

export type Clock = {
  /** Milliseconds since the Unix epoch. */
  unixMs(): number;
  /** Milliseconds that never step back, with fractions. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs`, unless the returned function is called before. */
  setTimer(delayMs: number, fire: () => void): () => void;
};

export type TreePorts = {
  /**
   * Starts one actor and returns it at once, or resolves when it is up, or with IGNORED; throws or rejects when it does not come up, with a
   * `ChildStartError` or whatever was thrown. `snapshot` is the last good one of the run
   * before, undefined for a fresh start. When `signal` aborts, nobody waits any more: a
   * child that comes up all the same is killed.
   */
  startChild(
    spec: ActorSpec,
    incarnation: Incarnation,
    snapshot: unknown,
    signal: AbortSignal,
  ): Started | Promise<Started>;
  readonly clock: Clock;
  /** Of the process: every incarnation that it makes bears it. Rises with each start of the node. Default 1. */
  readonly term?: number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Must not throw. */
  record(input: EventInput): void;
  /** Keeps a snapshot that must not be used for inspection; returns its file, or "". Must not throw. */
  quarantine?(bad: SetAside): string;
  /**
   * The child at this path, and all below it, is down and nothing brings it back by itself:
   * who waits for it need not. Must not throw.
   */
  down?(path: string): void;
};

/** Node's longest timer; a longer wait fires then, which no bound of this system reaches. */
const MAX_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  unixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, Math.min(delayMs, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
