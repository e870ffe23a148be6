// A child's end: back again, or not, or one restart too many.
import type { ExitReason } from "../actors/child.ts";
import { backoffDelayMs } from "./backoff.ts";
import { beginEnding, onceStopped } from "./decide-stop.ts";
import { escalatedFailure, restartsAfter } from "./exit-rules.ts";
import { launch } from "./launch.ts";
import { endedRecord, escalatedRecord, gaveUpRecord } from "./records.ts";
import { addRestart, putOff, restartsWithin } from "./restart-window.ts";
import { currentRun, record, schedule, settleAll, statusOf, type Turn, update } from "./turn.ts";

export function onChildExited(turn: Turn, path: string, run: number, reason: ExitReason): Turn {
  const child = currentRun(turn, path, run);
  if (child === undefined) return turn;
  if (child.phase === "stopping") return onceStopped(turn, child, reason);
  if (child.phase !== "running") return turn;
  if (child.spec.kind === "actor" || reason.kind !== "failed")
    record(turn, endedRecord({ ...child, path }, reason));
  // Erlang restarts a normal end afresh too: what it had finished it need not finish again.
  update(turn, path, {
    lastExit: { reason, atUnixMs: turn.now.unixMs },
    startedAtUnixMs: undefined,
    fresh: reason.kind === "normal",
  });
  if (turn.state.phase === "stopping") {
    update(turn, path, { phase: "stopped" });
    return turn;
  }
  if (child.spec.kind === "supervisor" && reason.kind === "failed") {
    if (turn.state.contains) return contain(turn, path, reason);
    record(turn, escalatedRecord(path, turn.state.spec.path, reason.failure));
  }
  if (restartsAfter(child.spec.restart, reason)) return onAbnormalEnd(turn, path, reason);
  update(turn, path, { phase: "finished" });
  return turn;
}

/** Brings a child back within the limits, or gives up with the child's reason. */
export function onAbnormalEnd(turn: Turn, path: string, reason: ExitReason): Turn {
  const status = statusOf(turn, path);
  if (status === undefined) return turn;
  const { spec } = turn.state;
  const { monotonicMs, unixMs, random } = turn.now;
  const recent = restartsWithin(turn.state.window, monotonicMs, spec.periodMs);
  const attempt = recent.filter((entry) => entry.key === path).length;
  const { allowed, window } = addRestart(recent, path, monotonicMs, spec);
  if (!allowed) return giveUp(turn, path, reason);

  const backoffMs = backoffDelayMs(spec.backoff, attempt, random);
  turn.state = { ...turn.state, window: putOff(window, path, backoffMs) };
  const sinceMs = status.recovery?.sinceMs ?? monotonicMs;
  const waited = status.recovery?.backoffMs ?? 0;
  const recovery = { sinceMs, backoffMs: waited + backoffMs, reason };
  const restarts = status.restarts + 1;
  if (backoffMs === 0) {
    update(turn, path, { restarts, recovery });
    return launch(turn, path);
  }
  const restartAtUnixMs = unixMs + backoffMs;
  const child = update(turn, path, { phase: "backing-off", restarts, recovery, restartAtUnixMs });
  return schedule(turn, "restart", child, backoffMs);
}

export function onRestartDue(turn: Turn, path: string, run: number): Turn {
  if (currentRun(turn, path, run)?.phase === "backing-off") launch(turn, path);
  return turn;
}

function giveUp(turn: Turn, path: string, reason: ExitReason): Turn {
  if (turn.state.contains) return contain(turn, path, reason);
  const { spec } = turn.state;
  const restarts = restartsWithin(turn.state.window, turn.now.monotonicMs, spec.periodMs).length;
  const failure = escalatedFailure(path, reason);
  update(turn, path, { phase: "failed", recovery: undefined });
  settleAll(turn, path, { code: "SUPERVISOR_GAVE_UP", what: `supervisor ${spec.path} gave up`, failure });
  record(turn, gaveUpRecord(spec.path, { kind: "failed", failure }, { restarts, periodMs: spec.periodMs }));
  const ended = { kind: "failed", failure } as const;
  return beginEnding(turn, { phase: "gaveUp", reason: ended, deadlineMs: Number.POSITIVE_INFINITY });
}

/** At the root a child's failure is a status with its reason, not the end of the process. */
function contain(turn: Turn, path: string, reason: ExitReason): Turn {
  const { kind } = update(turn, path, { phase: "gaveUp", recovery: undefined }).spec;
  if (kind === "actor") {
    const { periodMs } = turn.state.spec;
    const restarts = restartsWithin(turn.state.window, turn.now.monotonicMs, periodMs).length;
    record(turn, gaveUpRecord(path, reason, { restarts, periodMs }));
  }
  turn.effects.push({ type: "contained", path, reason });
  return turn;
}
