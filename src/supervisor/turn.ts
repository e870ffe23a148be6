// One decision in the making: the state so far and the effects asked for. It lives for a
// single call of `decide` and is the only thing in there that changes. Steps return the
// turn, so that one can end with another.
import type { EventInput } from "../telemetry/event.ts";
import { findChild, withChild } from "./child-table.ts";
import type { ChildStatus, Effect, Moment, Refusal, SupervisorState, TimerName } from "./supervisor-state.ts";

export type Turn = { state: SupervisorState; readonly effects: Effect[]; readonly now: Moment };

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
  const waiting = waits(after) - waits(before);
  turn.state = {
    ...turn.state,
    waiting: turn.state.waiting + waiting,
    children: withChild(turn.state.children, path, after),
  };
  return after;
}

const waits = (status: ChildStatus): number => (status.phase === "backing-off" ? 1 : 0);

export function schedule(turn: Turn, timer: TimerName, child: ChildStatus, delayMs: number): Turn {
  if (delayMs === Number.POSITIVE_INFINITY) return turn;
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
