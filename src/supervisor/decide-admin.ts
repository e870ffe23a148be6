// What an operator, the convergence loop or a reconciliation asks of one child. Each
// operation is settled exactly once: at once with a refusal, or when the child is there.
import type { ChildSpec, SupervisorSpec } from "../manifest/graph.ts";
import { drop, stopOne } from "./decide-stop.ts";
import { launch } from "./launch.ts";
import { tableWith, withSpec } from "./spec-changes.ts";
import type { ChildStatus, Refusal } from "./supervisor-state.ts";
import { cancel, settle, settleAll, statusOf, type Turn, update } from "./turn.ts";

export function onAdminStart(turn: Turn, path: string, op: number, fresh: boolean): Turn {
  const child = ready(turn, path, op);
  if (child === undefined) return turn;
  if (child.phase === "running") return settle(turn, op, refusal("SUPERVISOR_ALREADY_RUNNING", child));
  if (child.phase === "stopping") return settle(turn, op, refusal("SUPERVISOR_CHILD_BUSY", child));
  if (child.phase === "starting") {
    update(turn, path, { ops: [...child.ops, op] });
    return turn;
  }
  return startNow(turn, child, op, fresh);
}

export function onAdminStop(turn: Turn, path: string, op: number): Turn {
  const child = ready(turn, path, op);
  if (child === undefined) return turn;
  const stoppedBy = "operator";
  if (child.phase === "stopping") {
    if (child.next === "start") return settle(turn, op, refusal("SUPERVISOR_CHILD_BUSY", child));
    update(turn, path, { stoppedBy, ops: [...child.ops, op] });
    return turn;
  }
  if (child.phase === "running" || child.phase === "starting") {
    return stopOne(turn, child, { stoppedBy, ops: [op] });
  }
  if (child.phase === "backing-off") {
    cancel(turn, "restart", path);
    settleAll(turn, path, refusal("SUPERVISOR_CHILD_BUSY", child));
    update(turn, path, { phase: "stopped", stoppedBy, recovery: undefined, restartAtUnixMs: undefined });
  }
  // What ended, failed or gave up is down for a reason of its own, and keeps that.
  if (child.phase === "stopped") update(turn, path, { stoppedBy });
  return settle(turn, op);
}

export function onAdminRestart(turn: Turn, path: string, op: number, fresh: boolean): Turn {
  const child = ready(turn, path, op);
  if (child === undefined) return turn;
  if (child.phase === "starting" || child.phase === "stopping") {
    return settle(turn, op, refusal("SUPERVISOR_CHILD_BUSY", child));
  }
  if (child.phase === "running") return stopOne(turn, child, { next: "start", fresh, ops: [op] });
  return startNow(turn, child, op, fresh);
}

/** Adds a child at the end and starts it; one that does not start stays, `failed`, until it is deleted. */
export function onAdminAdd(turn: Turn, spec: ChildSpec, op: number): Turn {
  if (!accepting(turn, op)) return turn;
  if (statusOf(turn, spec.path) !== undefined) {
    const what = `${turn.state.spec.path || "the tree"} holds ${spec.path} already`;
    return settle(turn, op, { code: "SUPERVISOR_SPEC_INVALID", what });
  }
  turn.state = tableWith(turn.state, spec);
  update(turn, spec.path, { ops: [op] });
  return launch(turn, spec.path);
}

/** Changes a child's specification and restarts it; one stopped by hand stays stopped. */
export function onAdminReplace(turn: Turn, spec: ChildSpec, op: number, fresh: boolean): Turn {
  const child = ready(turn, spec.path, op);
  if (child === undefined) return turn;
  update(turn, spec.path, { spec });
  if (child.stoppedBy === "operator" && child.phase === "stopped") return settle(turn, op);
  if (child.phase === "stopping") {
    update(turn, spec.path, { ops: [...child.ops, op] });
    return turn;
  }
  if (child.phase === "starting") return stopOne(turn, child, { next: "start", fresh, ops: [op] });
  return onAdminRestart(turn, spec.path, op, fresh);
}

export function onAdminDelete(turn: Turn, path: string, op: number): Turn {
  const child = ready(turn, path, op);
  if (child === undefined) return turn;
  if (child.phase === "stopping") {
    const ops = child.next === "start" ? [op] : [...child.ops, op];
    if (child.next === "start") settleAll(turn, path, refusal("SUPERVISOR_CHILD_BUSY", child));
    update(turn, path, { next: "remove", ops });
    return turn;
  }
  if (child.phase === "running" || child.phase === "starting") {
    return stopOne(turn, child, { next: "remove", ops: [op] });
  }
  if (child.phase === "backing-off") {
    cancel(turn, "restart", path);
    settleAll(turn, path, refusal("SUPERVISOR_CHILD_BUSY", child));
    update(turn, path, { phase: "stopped" });
  }
  drop(turn, path);
  return settle(turn, op);
}

export function onSpecsChanged(turn: Turn, spec: SupervisorSpec, op: number): Turn {
  if (!accepting(turn, op)) return turn;
  turn.state = withSpec(turn.state, spec);
  return settle(turn, op);
}

function startNow(turn: Turn, child: ChildStatus, op: number, fresh: boolean): Turn {
  const { path } = child.spec;
  if (child.phase === "backing-off") cancel(turn, "restart", path);
  update(turn, path, {
    phase: "stopped",
    recovery: undefined,
    fresh: fresh || child.fresh,
    ops: [...child.ops, op],
  });
  return launch(turn, path);
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
