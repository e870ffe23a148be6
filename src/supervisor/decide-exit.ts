// A child's end: brought back by its restart type, or gone for good, which may take its
// supervisor along (significant children, EEP 56).
import type { ExitReason } from "../actors/child.ts";
import { restartChild } from "./decide-restart.ts";
import { beginEnding, drop, endIfQuiet, onceStopped } from "./decide-stop.ts";
import { restartsAfter } from "./exit-rules.ts";
import { endedRecord, escalatedRecord } from "./records.ts";
import { isGrouped } from "./strategies.ts";
import { isDynamic } from "./supervisor-state.ts";
import { currentRun, lieDown, record, statusOf, type Turn, update } from "./turn.ts";

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
    resume: reason.kind === "normal" ? "nothing" : "last",
  });
  if (turn.state.phase === "stopping") {
    lieDown(turn, path, "stopped");
    return endIfQuiet(turn);
  }
  if (isOrdering(turn)) {
    update(turn, path, { phase: "stopped" });
    turn.state = { ...turn.state, deferred: [...turn.state.deferred, { path, run, reason }] };
    return turn;
  }
  return judgeEnd(turn, path, reason);
}

/** While children are started or stopped in order, another's end waits: it may concern the same ones. */
function isOrdering({ state }: Turn): boolean {
  return state.group !== undefined || (state.phase === "starting" && isGrouped(state));
}

/** Ends that waited, once the order is restored. One may begin a group restart: then the rest waits on. */
export function judgeDeferred(turn: Turn): Turn {
  for (;;) {
    const [next, ...deferred] = turn.state.deferred;
    if (next === undefined || turn.state.phase !== "running" || isOrdering(turn)) return turn;
    turn.state = { ...turn.state, deferred };
    const child = statusOf(turn, next.path);
    const isStill = child?.run === next.run && child.phase === "stopped" && child.stoppedBy === undefined;
    if (isStill) judgeEnd(turn, next.path, next.reason);
  }
}

function judgeEnd(turn: Turn, path: string, reason: ExitReason): Turn {
  const spec = statusOf(turn, path)?.spec;
  if (spec === undefined) return turn;
  const { contains } = turn.state;
  if (spec.kind === "supervisor" && reason.kind === "failed") {
    // At the root a supervisor's failure is kept as a status, whatever its restart type.
    if (contains) return restartChild(turn, path, reason);
    record(turn, escalatedRecord(path, turn.state.spec.path, reason.failure));
  }
  if (restartsAfter(spec.restart, reason)) return restartChild(turn, path, reason);
  return goForGood(turn, path);
}

/** A temporary child leaves no specification, nor does one of a dynamic supervisor. */
function goForGood(turn: Turn, path: string): Turn {
  const { spec } = lieDown(turn, path, "finished");
  if (spec.restart === "temporary" || isDynamic(turn.state)) drop(turn, path);
  return spec.significant === true ? shutDownWith(turn) : turn;
}

function shutDownWith(turn: Turn): Turn {
  const { spec, counts } = turn.state;
  const isOver =
    spec.autoShutdown === "any_significant" ||
    (spec.autoShutdown === "all_significant" && counts.significant === 0);
  if (!isOver) return turn;
  const ending = { phase: "stopped", reason: { kind: "shutdown" } } as const;
  return beginEnding(turn, { ...ending, deadlineMs: Number.POSITIVE_INFINITY });
}
