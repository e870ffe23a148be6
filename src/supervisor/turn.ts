// One decision in the making: the state so far and the effects asked for. It lives for a
// single call of `decide` and is the only thing in there that changes. Steps return the
// turn, so that one can end with another.
import { INFINITE_MS } from "../manifest/graph.ts";
import type { EventInput } from "../telemetry/event.ts";
import { recounted } from "./child-counts.ts";
import { findChild, withChild } from "./child-table.ts";
import type { ChildStatus, Effect, Moment, Refusal, SupervisorState, TimerName } from "./supervisor-state.ts";

/** What is decided next, within the same decision. */
export type Follow =
  /** A child is up, or down for good: whatever goes along the children in order goes on from it. */
  | { readonly do: "advance"; readonly path: string }
  /** The order is restored: ends that waited for it are judged. */
  | { readonly do: "judgeDeferred" };

export type Turn = {
  state: SupervisorState;
  readonly effects: Effect[];
  readonly agenda: Follow[];
  readonly now: Moment;
};

export function advance(turn: Turn, path: string): Turn {
  turn.agenda.push({ do: "advance", path });
  return turn;
}

export function statusOf(turn: Turn, path: string): ChildStatus | undefined {
  return findChild(turn.state.children, path);
}

/** The child, if the news is of its present run and not of an older one. */
export function currentRun(turn: Turn, path: string, run: number): ChildStatus | undefined {
  const status = statusOf(turn, path);
  return status?.run === run ? status : undefined;
}

/** Replaces fields of a child's status and returns the new one. */
export function update(turn: Turn, path: string, change: Partial<ChildStatus>): ChildStatus {
  const before = statusOf(turn, path);
  if (before === undefined) throw new RangeError(`no child at ${path}`);
  const after = { ...before, ...change };
  turn.state = {
    ...turn.state,
    counts: recounted(turn.state.counts, before, after),
    children: withChild(turn.state.children, path, after),
  };
  return after;
}

/**
 * The child is down, and nothing brings it back by itself. While its supervisor ends, that
 * is the parent's to say, which may bring the whole subtree back.
 */
export function lieDown(
  turn: Turn,
  path: string,
  phase: "stopped" | "finished" | "ignored" | "failed" | "gaveUp" | "parked",
  change: Partial<ChildStatus> = {},
): ChildStatus {
  const child = update(turn, path, { ...change, phase, recovery: undefined, restartAtUnixMs: undefined });
  if (turn.state.phase !== "stopping") turn.effects.push({ type: "down", path });
  return child;
}

export function schedule(turn: Turn, timer: TimerName, child: ChildStatus, delayMs: number): Turn {
  if (delayMs >= INFINITE_MS) return turn;
  turn.effects.push({ type: "schedule", timer, path: child.spec.path, run: child.run, delayMs });
  return turn;
}

export function cancel(turn: Turn, timer: TimerName, path: string): Turn {
  turn.effects.push({ type: "cancel", timer, path });
  return turn;
}

export function record(turn: Turn, input: EventInput): Turn {
  turn.effects.push({ type: "record", input });
  return turn;
}

export function settle(turn: Turn, op: number, refusal?: Refusal): Turn {
  turn.effects.push({ type: "settle", op, refusal });
  return turn;
}

/** Answers every operation that waits for this child. */
export function settleAll(turn: Turn, path: string, refusal?: Refusal): Turn {
  const status = statusOf(turn, path);
  if (status === undefined || status.ops.length === 0) return turn;
  for (const op of status.ops) settle(turn, op, refusal);
  update(turn, path, { ops: [] });
  return turn;
}
