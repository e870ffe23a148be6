// What an operator, the convergence loop or a reconciliation asks of one child. Each
// operation is settled exactly once: at once with a refusal, or when the child is there.
import type { ChildSpec, Json, SupervisorSpec } from "../manifest/graph.ts";
import { isPending, startGroup } from "./decide-group.ts";
import { drop, stopOne } from "./decide-stop.ts";
import { dynamicSpec } from "./dynamic.ts";
import { launch } from "./launch.ts";
import { tableWith, withSpec } from "./spec-changes.ts";
import { type ChildStatus, isDynamic, type Refusal } from "./supervisor-state.ts";
import { advance, cancel, lieDown, settle, settleAll, statusOf, type Turn, update } from "./turn.ts";

/** Erlang's restart_child: of a child that is down. */
export function onAdminStart(turn: Turn, path: string, op: number, fresh: boolean): Turn {
  const child = ready(turn, path, op);
  if (child === undefined) return turn;
  if (child.phase === "running") return settle(turn, op, refusal("SUPERVISOR_ALREADY_RUNNING", child));
  if (child.phase === "stopping" && !isPending(turn, path))
    return settle(turn, op, refusal("SUPERVISOR_CHILD_BUSY", child));
  if (child.phase === "starting" || isPending(turn, path)) return join(turn, child, op);
  return startNow(turn, child, op, fresh);
}

/** Erlang's terminate_child: also in the middle of a loop of restarts, which it ends. */
export function onAdminStop(turn: Turn, path: string, op: number): Turn {
  const child = ready(turn, path, op);
  if (child === undefined) return turn;
  const stoppedBy = "operator";
  const next = isDynamic(turn.state) ? "remove" : undefined;
  if (child.phase === "stopping") {
    if (child.next === "start") return settle(turn, op, refusal("SUPERVISOR_CHILD_BUSY", child));
    update(turn, path, { stoppedBy, next: child.next ?? next, ops: [...child.ops, op] });
    return turn;
  }
  if (child.phase === "running" || child.phase === "starting") {
    return stopOne(turn, child, { stoppedBy, next, ops: [op] });
  }
  if (child.phase === "backing-off" || isPending(turn, path)) return stopWaiting(turn, child, op);
  // What ended, failed or gave up is down for a reason of its own, and keeps that.
  if (child.phase === "stopped") update(turn, path, { stoppedBy });
  return settle(turn, op);
}

/** It waits for its restart: it will not come. A group that waits with it goes on without it. */
function stopWaiting(turn: Turn, child: ChildStatus, op: number): Turn {
  const { path } = child.spec;
  cancel(turn, "restart", path);
  settleAll(turn, path, refusal("SUPERVISOR_CHILD_BUSY", child));
  lieDown(turn, path, "stopped", { stoppedBy: "operator" });
  settle(turn, op);
  if (isDynamic(turn.state)) return drop(turn, path);
  const { group } = turn.state;
  return group?.stage === "waiting" && group.cause === path ? startGroup(turn) : advance(turn, path);
}

export function onAdminRestart(turn: Turn, path: string, op: number, fresh: boolean): Turn {
  const child = ready(turn, path, op);
  if (child === undefined) return turn;
  if (child.phase === "starting" || child.phase === "stopping" || isPending(turn, path)) {
    return settle(turn, op, refusal("SUPERVISOR_CHILD_BUSY", child));
  }
  if (child.phase === "running") {
    const resume = fresh ? "nothing" : child.resume;
    return stopOne(turn, child, { next: "start", resume, ops: [op] });
  }
  return startNow(turn, child, op, fresh);
}

/**
 * Erlang's start_child: adds a child at the end and starts it; one that does not start
 * stays, `failed`, until it is deleted.
 */
export function onAdminAdd(turn: Turn, spec: ChildSpec, op: number): Turn {
  if (!accepting(turn, op)) return turn;
  const present = statusOf(turn, spec.path);
  if (present !== undefined) {
    const isUp = present.phase === "running" || present.phase === "starting";
    const code = isUp ? "SUPERVISOR_ALREADY_RUNNING" : "SUPERVISOR_ALREADY_PRESENT";
    return settle(turn, op, refusal(code, present));
  }
  turn.state = tableWith(turn.state, spec);
  update(turn, spec.path, { ops: [op] });
  return launch(turn, spec.path);
}

/** A child from the template; it leaves nothing behind when it does not start. */
export function onAdminSpawn(turn: Turn, name: string, input: Json, op: number): Turn {
  if (!accepting(turn, op)) return turn;
  const { spec } = turn.state;
  if (spec.template === undefined) {
    const what = `${spec.path || "the tree"} has no template to make children from`;
    return settle(turn, op, { code: "SUPERVISOR_NOT_DYNAMIC", what });
  }
  const child = dynamicSpec(spec, name, input);
  if (child !== undefined) return onAdminAdd(turn, child, op);
  const what = `${JSON.stringify(name.slice(0, 100))} names no child of ${spec.path}`;
  return settle(turn, op, { code: "SUPERVISOR_SPEC_INVALID", what });
}

/** Changes a child's specification and restarts it; one stopped by hand stays stopped. */
export function onAdminReplace(turn: Turn, spec: ChildSpec, op: number, fresh: boolean): Turn {
  const child = ready(turn, spec.path, op);
  if (child === undefined) return turn;
  const { path } = spec;
  update(turn, path, { spec });
  if (child.stoppedBy === "operator" && child.phase === "stopped") return settle(turn, op);
  if (child.phase === "stopping" || isPending(turn, path)) return join(turn, child, op);
  if (child.phase === "starting") {
    const resume = fresh ? "nothing" : child.resume;
    return stopOne(turn, child, { next: "start", resume, ops: [op] });
  }
  return onAdminRestart(turn, path, op, fresh);
}

/** Erlang's delete_child, which refuses what runs; with `stop` that is stopped first. */
export function onAdminDelete(turn: Turn, path: string, op: number, stop: boolean): Turn {
  const child = ready(turn, path, op);
  if (child === undefined) return turn;
  if (!stop && child.phase === "running")
    return settle(turn, op, refusal("SUPERVISOR_ALREADY_RUNNING", child));
  if (!stop && isChanging(turn, child)) return settle(turn, op, refusal("SUPERVISOR_CHILD_BUSY", child));
  if (child.phase === "stopping") {
    const ops = child.next === "start" ? [op] : [...child.ops, op];
    if (child.next === "start") settleAll(turn, path, refusal("SUPERVISOR_CHILD_BUSY", child));
    update(turn, path, { next: "remove", ops });
    return turn;
  }
  if (child.phase === "running" || child.phase === "starting") {
    return stopOne(turn, child, { next: "remove", ops: [op] });
  }
  if (child.phase === "backing-off" || isPending(turn, path)) {
    stopWaiting(turn, child, op);
    return statusOf(turn, path) === undefined ? turn : drop(turn, path);
  }
  drop(turn, path);
  return settle(turn, op);
}

/** Flags, order and specifications: no child is started or stopped for it. */
export function onSpecsChanged(turn: Turn, spec: SupervisorSpec, op: number): Turn {
  if (!accepting(turn, op)) return turn;
  turn.state = withSpec(turn.state, spec);
  return settle(turn, op);
}

function startNow(turn: Turn, child: ChildStatus, op: number, fresh: boolean): Turn {
  const { path } = child.spec;
  if (child.phase === "backing-off") cancel(turn, "restart", path);
  if (child.phase === "parked") turn.effects.push({ type: "unpark", path });
  update(turn, path, {
    phase: "stopped",
    recovery: undefined,
    own: undefined,
    resume: fresh ? "nothing" : child.resume,
    ops: [...child.ops, op],
  });
  return launch(turn, path);
}

/** It is on its way up: the operation is settled with it. */
function join(turn: Turn, { spec: { path }, ops }: ChildStatus, op: number): Turn {
  update(turn, path, { ops: [...ops, op] });
  const { group } = turn.state;
  if (group?.stage !== "waiting") return turn;
  // Nobody who asks for a start waits out a backoff.
  cancel(turn, "restart", group.cause);
  return startGroup(turn);
}

function isChanging(turn: Turn, { phase, spec }: ChildStatus): boolean {
  return (
    phase === "starting" || phase === "stopping" || phase === "backing-off" || isPending(turn, spec.path)
  );
}

function ready(turn: Turn, path: string, op: number): ChildStatus | undefined {
  if (!accepting(turn, op)) return undefined;
  const child = statusOf(turn, path);
  if (child === undefined)
    settle(turn, op, { code: "SUPERVISOR_NOT_FOUND", what: `nothing in the tree is at ${path}` });
  return child;
}

function accepting(turn: Turn, op: number): boolean {
  const { phase, spec } = turn.state;
  if (phase === "running") return true;
  settle(turn, op, {
    code: "SUPERVISOR_NOT_RUNNING",
    what: `supervisor ${spec.path || "of the tree"} is ${phase}`,
  });
  return false;
}

function refusal(code: Refusal["code"], child: ChildStatus): Refusal {
  return { code, what: `${child.spec.path} is ${child.phase}` };
}
