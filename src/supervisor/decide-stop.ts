// Stopping: one child, or all of them in reverse start order (those of a dynamic
// supervisor at once). Each gets its grace, then the kill, then is abandoned: a child that
// does not even die holds nobody up.
import type { ExitReason } from "../actors/child.ts";
import { childAt, entriesOf, positionOf } from "./child-table.ts";
import { launch } from "./launch.ts";
import { endedRecord } from "./records.ts";
import { tableWithout } from "./spec-changes.ts";
import { type ChildStatus, type Ending, isDynamic, type Refusal } from "./supervisor-state.ts";
import {
  advance,
  cancel,
  currentRun,
  lieDown,
  record,
  schedule,
  settleAll,
  type Turn,
  update,
} from "./turn.ts";

/** A child kills itself when its grace is over; its supervisor does it this much later. */
export const KILL_MARGIN_MS = 250;
export const ABANDON_AFTER_KILL_MS = 1_000;

/** Ends the supervisor: children first, then itself. A group restart under way ends with it. */
export function beginEnding(turn: Turn, ending: Ending): Turn {
  const { phase } = turn.state;
  if (phase === "stopped" || phase === "gaveUp") return turn;
  if (phase === "stopping") return tightenEnding(turn, ending);
  const cursor = turn.state.children.length - 1;
  turn.state = { ...turn.state, phase: "stopping", ending, cursor, group: undefined, deferred: [] };
  return isDynamic(turn.state) ? stopAll(turn) : stopFromCursor(turn);
}

/** A stop in the middle of another may only shorten the time. */
function tightenEnding(turn: Turn, asked: Ending): Turn {
  const { ending } = turn.state;
  if (ending === undefined || asked.deadlineMs >= ending.deadlineMs) return turn;
  turn.state = { ...turn.state, ending: { ...ending, deadlineMs: asked.deadlineMs } };
  if (isDynamic(turn.state)) {
    for (const [, child] of entriesOf(turn.state.children))
      if (child.phase === "stopping") askToStop(turn, child);
    return turn;
  }
  const child = childAt(turn.state.children, turn.state.cursor);
  if (child?.phase === "stopping") askToStop(turn, child);
  return turn;
}

function stopFromCursor(turn: Turn): Turn {
  for (; turn.state.cursor >= 0; turn.state = { ...turn.state, cursor: turn.state.cursor - 1 }) {
    const child = childAt(turn.state.children, turn.state.cursor);
    if (child === undefined) continue;
    if (child.phase === "stopping") return askToStop(turn, child);
    if (child.phase === "running" || child.phase === "starting") return stopOne(turn, child);
    layDown(turn, child);
  }
  return end(turn);
}

function stopAll(turn: Turn): Turn {
  for (const [, child] of entriesOf(turn.state.children)) {
    if (child.phase === "stopping") askToStop(turn, child);
    else if (child.phase === "running" || child.phase === "starting") stopOne(turn, child);
    else layDown(turn, child);
  }
  return endIfQuiet(turn);
}

/** Ends a supervisor whose children stop in parallel, once the last one is down. */
export function endIfQuiet(turn: Turn): Turn {
  const { phase, counts } = turn.state;
  return phase === "stopping" && isDynamic(turn.state) && counts.active === 0 ? end(turn) : turn;
}

/** It waits for its restart, or for a group's: it will not come. */
function layDown(turn: Turn, { spec: { path }, phase, ops }: ChildStatus): void {
  if (phase === "backing-off") cancel(turn, "restart", path);
  if (ops.length > 0) settleAll(turn, path, stoppingRefusal(turn));
  if (phase === "backing-off" || phase === "stopped") lieDown(turn, path, "stopped");
}

function end(turn: Turn): Turn {
  const { ending } = turn.state;
  if (ending === undefined) return turn;
  turn.state = { ...turn.state, phase: ending.phase };
  turn.effects.push({ type: "ended", reason: ending.reason });
  return turn;
}

/** Begins to stop a child that runs or is being started. */
export function stopOne(turn: Turn, child: ChildStatus, change: Partial<ChildStatus> = {}): Turn {
  const { path } = child.spec;
  if (child.phase === "starting") {
    cancel(turn, "start", path);
    turn.effects.push({ type: "abortStart", path, run: child.run });
    settleAll(turn, path, { code: "SUPERVISOR_CHILD_BUSY", what: `${path} was stopped while it started` });
  }
  const stopping = update(turn, path, { phase: "stopping", recovery: undefined, ...change });
  return askToStop(turn, stopping, child.phase === "starting" ? 0 : graceOf(turn, child));
}

function askToStop(turn: Turn, child: ChildStatus, graceMs = graceOf(turn, child)): Turn {
  const { path } = child.spec;
  if (graceMs > 0) {
    turn.effects.push({ type: "stopChild", path, run: child.run, graceMs });
    return schedule(turn, "kill", child, graceMs + KILL_MARGIN_MS);
  }
  turn.effects.push({ type: "killChild", path, run: child.run });
  return schedule(turn, "abandon", child, ABANDON_AFTER_KILL_MS);
}

/** An actor's own shutdown time; a supervisor has what its children need. Both end at the deadline. */
function graceOf(turn: Turn, child: ChildStatus): number {
  const own = child.spec.kind === "actor" ? child.spec.shutdownMs : Number.POSITIVE_INFINITY;
  const left = (turn.state.ending?.deadlineMs ?? Number.POSITIVE_INFINITY) - turn.now.monotonicMs;
  return Math.max(0, Math.min(own, left));
}

export function onKillDue(turn: Turn, path: string, run: number): Turn {
  const child = currentRun(turn, path, run);
  if (child?.phase !== "stopping") return turn;
  turn.effects.push({ type: "killChild", path, run });
  return schedule(turn, "abandon", child, ABANDON_AFTER_KILL_MS);
}

export function onAbandonDue(turn: Turn, path: string, run: number): Turn {
  const child = currentRun(turn, path, run);
  if (child?.phase !== "stopping") return turn;
  turn.effects.push({ type: "abandonChild", path, run });
  return onceStopped(turn, child, { kind: "killed" });
}

/** A child that was asked to stop is gone: what was to follow, follows. */
export function onceStopped(turn: Turn, child: ChildStatus, reason: ExitReason): Turn {
  const { path } = child.spec;
  cancel(turn, "kill", path);
  cancel(turn, "abandon", path);
  if (child.startedAtUnixMs !== undefined) record(turn, endedRecord({ ...child, path }, reason));
  const change = {
    lastExit: { reason, atUnixMs: turn.now.unixMs },
    startedAtUnixMs: undefined,
    next: undefined,
  };
  if (turn.state.phase === "stopping") {
    lieDown(turn, path, "stopped", change);
    settleAll(turn, path, child.next === "start" ? stoppingRefusal(turn) : undefined);
    if (isDynamic(turn.state)) return endIfQuiet(turn);
    return positionOf(turn.state.children, path) === turn.state.cursor ? stopFromCursor(turn) : turn;
  }
  const isMember = isRestarted(turn, path);
  if (isMember && child.next !== "remove" && child.stoppedBy === undefined) {
    update(turn, path, { ...change, phase: "stopped" });
    return advance(turn, path);
  }
  if (child.next === "start") {
    update(turn, path, { ...change, phase: "stopped" });
    return launch(turn, path);
  }
  lieDown(turn, path, "stopped", change);
  settleAll(turn, path);
  if (child.next === "remove") drop(turn, path);
  return advance(turn, path);
}

/** Whether the group restart under way has stopped it to start it again. */
function isRestarted({ state: { group } }: Turn, path: string): boolean {
  return group?.stage === "stopping" && group.members.includes(path);
}

function stoppingRefusal(turn: Turn): Refusal {
  return { code: "SUPERVISOR_NOT_RUNNING", what: `${turn.state.spec.path || "the tree"} is stopping` };
}

/** Takes a child that is down out of the table. */
export function drop(turn: Turn, path: string): Turn {
  turn.state = tableWithout(turn.state, path);
  turn.effects.push({ type: "forget", path });
  return turn;
}
