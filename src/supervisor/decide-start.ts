// Starting: in order at first, one by one; then whatever a restart or an operator asks for.
import type { Failure, Incarnation } from "../actors/child.ts";
import { childAt } from "./child-table.ts";
import { onAbnormalEnd } from "./decide-exit.ts";
import { beginEnding, onceStopped } from "./decide-stop.ts";
import { launch, START_TIMEOUT_MS } from "./launch.ts";
import {
  crashedRecord,
  escalatedRecord,
  gaveUpRecord,
  restartedRecord,
  restoreFailedRecord,
  startedRecord,
} from "./records.ts";
import type { ChildStatus } from "./supervisor-state.ts";
import { cancel, currentRun, record, settleAll, type Turn, update } from "./turn.ts";

export function onSupervisorStart(turn: Turn): Turn {
  if (turn.state.phase !== "idle") return turn;
  turn.state = { ...turn.state, phase: "starting", cursor: 0 };
  return startFromCursor(turn);
}

function startFromCursor(turn: Turn): Turn {
  const child = childAt(turn.state.children, turn.state.cursor);
  if (child !== undefined) return launch(turn, child.spec.path);
  turn.state = { ...turn.state, phase: "running" };
  turn.effects.push({ type: "ready" });
  return turn;
}

function advanceStart(turn: Turn, path: string): Turn {
  if (turn.state.phase !== "starting") return turn;
  if (turn.state.children.index.get(path) !== turn.state.cursor) return turn;
  turn.state = { ...turn.state, cursor: turn.state.cursor + 1 };
  return startFromCursor(turn);
}

export function onChildStarted(turn: Turn, path: string, run: number, incarnation: Incarnation): Turn {
  const child = currentRun(turn, path, run);
  if (child === undefined || (child.phase !== "starting" && child.phase !== "stopping")) {
    turn.effects.push({ type: "killChild", path, run });
    return turn;
  }
  cancel(turn, "start", path);
  if (child.phase === "stopping") {
    update(turn, path, { incarnation });
    turn.effects.push({ type: "killChild", path, run });
    return turn;
  }
  const { recovery, restarts, spec } = child;
  const { unixMs, monotonicMs } = turn.now;
  update(turn, path, {
    phase: "running",
    incarnation,
    startedAtUnixMs: unixMs,
    fresh: false,
    recovery: undefined,
  });
  record(turn, startedRecord(spec, incarnation));
  if (recovery) record(turn, restartedRecord({ path, incarnation }, recovery, restarts, monotonicMs));
  settleAll(turn, path);
  return advanceStart(turn, path);
}

export function onStartFailed(
  turn: Turn,
  path: string,
  run: number,
  failure: Failure,
  restoring: boolean,
): Turn {
  const child = currentRun(turn, path, run);
  if (child === undefined) return turn;
  cancel(turn, "start", path);
  if (child.phase === "stopping") return onceStopped(turn, child, { kind: "shutdown" });
  if (child.phase !== "starting") return turn;
  // A supervisor that failed to start has recorded the cause itself; its snapshots are its children's.
  if (restoring && child.spec.kind === "actor") {
    record(turn, restoreFailedRecord({ path }, failure));
    update(turn, path, { fresh: true });
    return launch(turn, path);
  }
  if (child.spec.kind === "actor") record(turn, crashedRecord({ path }, failure));
  else if (!turn.state.contains) record(turn, escalatedRecord(path, turn.state.spec.path, failure));
  const reason = { kind: "failed", failure } as const;
  update(turn, path, { lastExit: { reason, atUnixMs: turn.now.unixMs } });
  return startNotDone(turn, child, failure);
}

/** What follows depends on who asked for the start: the first start, an operator or a restart. */
function startNotDone(turn: Turn, child: ChildStatus, failure: Failure): Turn {
  const { path } = child.spec;
  const reason = { kind: "failed", failure } as const;
  const first = turn.state.phase === "starting" && turn.state.children.index.get(path) === turn.state.cursor;
  if (child.recovery !== undefined) return onAbnormalEnd(turn, path, reason);
  if (first && !turn.state.contains) {
    update(turn, path, { phase: "failed" });
    return beginEnding(turn, { phase: "stopped", reason, deadlineMs: Number.POSITIVE_INFINITY });
  }
  const phase = turn.state.contains ? "gaveUp" : "failed";
  update(turn, path, { phase, fresh: false });
  const what = `${failure.rootActor} failed to start: ${failure.name}: ${failure.message}`;
  settleAll(turn, path, { code: "SUPERVISOR_START_FAILED", what, failure });
  if (turn.state.contains) {
    record(turn, gaveUpRecord(path, reason, { restarts: 0, periodMs: turn.state.spec.periodMs }));
    turn.effects.push({ type: "contained", path, reason });
  }
  return advanceStart(turn, path);
}

/** The start took too long: its run is given up, and it counts as a hang. */
export function onStartTimeout(turn: Turn, path: string, run: number): Turn {
  const child = currentRun(turn, path, run);
  if (child?.phase !== "starting") return turn;
  turn.effects.push({ type: "abortStart", path, run });
  turn.effects.push({ type: "abandonChild", path, run });
  const message = `did not start within ${START_TIMEOUT_MS} ms`;
  const failure: Failure = { class: "hang", name: "StartTimeout", message, origin: "start", rootActor: path };
  return onStartFailed(turn, path, run, failure, false);
}
