// Starting: in order at first, one by one; then whatever a restart or an operator asks for.
import type { Failure, Incarnation } from "../actors/child.ts";
import { childAt, positionOf } from "./child-table.ts";
import { restartChild } from "./decide-restart.ts";
import { beginEnding, drop, onceStopped } from "./decide-stop.ts";
import { launch, START_TIMEOUT_MS } from "./launch.ts";
import {
  crashedRecord,
  escalatedRecord,
  gaveUpRecord,
  restartedRecord,
  restoreFailedRecord,
  startedRecord,
} from "./records.ts";
import { type ChildStatus, isDynamic } from "./supervisor-state.ts";
import {
  advance,
  cancel,
  currentRun,
  lieDown,
  record,
  settleAll,
  statusOf,
  type Turn,
  update,
} from "./turn.ts";

export function onSupervisorStart(turn: Turn): Turn {
  if (turn.state.phase !== "idle") return turn;
  turn.state = { ...turn.state, phase: "starting", cursor: 0 };
  return startFromCursor(turn);
}

function startFromCursor(turn: Turn): Turn {
  for (; turn.state.cursor < turn.state.children.length; moveOn(turn)) {
    const child = childAt(turn.state.children, turn.state.cursor);
    if (child !== undefined && child.phase !== "parked") return launch(turn, child.spec.path);
  }
  turn.state = { ...turn.state, phase: "running" };
  turn.effects.push({ type: "ready" });
  turn.agenda.push({ do: "judgeDeferred" });
  return turn;
}

function moveOn(turn: Turn): void {
  turn.state = { ...turn.state, cursor: turn.state.cursor + 1 };
}

/** The first start goes on from a child that is up, or that stays down. */
export function advanceStart(turn: Turn, path: string): Turn {
  if (turn.state.phase !== "starting") return turn;
  const { children, cursor } = turn.state;
  // A gap: it has left the table.
  const isCurrent = positionOf(children, path) === cursor || childAt(children, cursor) === undefined;
  if (!isCurrent) return turn;
  moveOn(turn);
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
  const change = { phase: "running", incarnation, startedAtUnixMs: unixMs, resume: "last" } as const;
  update(turn, path, { ...change, recovery: undefined });
  record(turn, startedRecord(spec, incarnation));
  if (recovery) record(turn, restartedRecord({ path, incarnation }, recovery, restarts, monotonicMs));
  settleAll(turn, path);
  return advance(turn, path);
}

/** Erlang's `ignore`: it keeps its specification, unless it is temporary or dynamic. */
export function onIgnored(turn: Turn, path: string, run: number): Turn {
  const child = currentRun(turn, path, run);
  if (child === undefined) return turn;
  cancel(turn, "start", path);
  if (child.phase === "stopping") return onceStopped(turn, child, { kind: "shutdown" });
  if (child.phase !== "starting") return turn;
  const { spec } = lieDown(turn, path, "ignored");
  settleAll(turn, path);
  advance(turn, path);
  return spec.restart === "temporary" || isDynamic(turn.state) ? drop(turn, path) : turn;
}

export type FailedStart = { readonly run: number; readonly failure: Failure; readonly restoring: boolean };

export function onStartFailed(turn: Turn, path: string, { run, failure, restoring }: FailedStart): Turn {
  const child = currentRun(turn, path, run);
  if (child === undefined) return turn;
  cancel(turn, "start", path);
  if (child.phase === "stopping") return onceStopped(turn, child, { kind: "shutdown" });
  if (child.phase !== "starting") return turn;
  // A supervisor that failed to start has recorded the cause itself; its snapshots are its children's.
  if (restoring && child.spec.kind === "actor") {
    record(turn, restoreFailedRecord({ path }, failure));
    update(turn, path, { resume: "nothing" });
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
  // A bad snapshot is not the start's doing: it is answered by the matrix, whoever asked for the start.
  if (child.recovery !== undefined || failure.class === "corruption") return restartChild(turn, path, reason);
  const { phase, contains, children, cursor } = turn.state;
  if (phase === "starting" && positionOf(children, path) === cursor && !contains) {
    update(turn, path, { phase: "failed" });
    return beginEnding(turn, { phase: "stopped", reason, deadlineMs: Number.POSITIVE_INFINITY });
  }
  lieDown(turn, path, contains ? "gaveUp" : "failed", { resume: "last" });
  const what = `${failure.rootActor} failed to start: ${failure.name}: ${failure.message}`;
  settleAll(turn, path, { code: "SUPERVISOR_START_FAILED", what, failure });
  if (contains) {
    record(turn, gaveUpRecord(path, reason, { restarts: 0, periodMs: turn.state.spec.periodMs }));
    turn.effects.push({ type: "contained", path, reason });
  }
  advance(turn, path);
  return isDynamic(turn.state) && statusOf(turn, path) !== undefined ? drop(turn, path) : turn;
}

/** The start took too long: its run is given up, and it counts as a hang. */
export function onStartTimeout(turn: Turn, path: string, run: number): Turn {
  const child = currentRun(turn, path, run);
  if (child?.phase !== "starting") return turn;
  turn.effects.push({ type: "abortStart", path, run });
  turn.effects.push({ type: "abandonChild", path, run });
  const message = `did not start within ${START_TIMEOUT_MS} ms`;
  const failure: Failure = { class: "hang", name: "StartTimeout", message, origin: "start", rootActor: path };
  return onStartFailed(turn, path, { run, failure, restoring: false });
}
