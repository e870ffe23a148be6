// Performs a reconciliation step by step, and takes back what was done when a step fails.
import type { Failure } from "../actors/child.ts";
import { longWork } from "../actors/in-hand.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { SupervisorSpec } from "../manifest/graph.ts";
import { findChild } from "./child-table.ts";
import { failureIn } from "./failure.ts";
import { findOwner, findSupervisor, isUp } from "./find-owner.ts";
import { planReconcile, type Standing, type Step } from "./reconcile-plan.ts";
import type { Operation, OperationResult, Supervisor } from "./supervisor.ts";
import type { ChildStatus } from "./supervisor-state.ts";
import type { TreeMemory } from "./tree-memory.ts";

export type ReconcileReport = {
  readonly added: readonly string[];
  readonly restarted: readonly string[];
  readonly removed: readonly string[];
  /** Supervisors whose flags, order or children's specifications changed; no child was touched for it. */
  readonly respecified: readonly string[];
};

export async function reconcileTree(
  root: Supervisor,
  memory: TreeMemory,
  before: SupervisorSpec,
  next: SupervisorSpec,
  restart: ReadonlySet<string>,
): Promise<Result<ReconcileReport, CellError>> {
  const steps = longWork(() => planReconcile(before, next, restart, (path) => standingOf(root, path)));
  const done: { readonly step: Step; readonly wasUp: boolean }[] = [];
  memory.beginChange();
  try {
    for (const step of steps) {
      const wasUp = step.do !== "replace" || isAlive(statusAt(root, step.spec.path));
      if (step.do === "replace") for (const path of step.fresh) memory.startFresh(path);
      const result = await perform(root, step);
      done.push({ step, wasUp });
      if (result.ok) continue;
      for (const path of steps.map(pathOf)) memory.recallSnapshot(path);
      return err(await takeBack(root, before, done, result.error));
    }
    return ok(reportOf(steps));
  } finally {
    memory.endChange();
  }
}

function statusAt(root: Supervisor, path: string): ChildStatus | undefined {
  const owner = findOwner(root, path);
  return owner.ok ? findChild(owner.value.state.children, path) : undefined;
}

function isAlive(status: ChildStatus | undefined): boolean {
  return status !== undefined && (isUp(status) || status.phase === "backing-off");
}

/** One that waits for its restart is worth another try at once. */
function standingOf(root: Supervisor, path: string): Standing {
  const status = statusAt(root, path);
  if (status === undefined) return "down";
  if (isUp(status)) return "up";
  const failed = status.phase === "failed" || status.phase === "gaveUp" || status.phase === "backing-off";
  return failed ? "failed" : "down";
}

async function perform(root: Supervisor, step: Step): Promise<OperationResult> {
  const supervisor = findSupervisor(root, step.supervisor);
  if (!supervisor.ok) return toleratesAbsence(step) ? ok(undefined) : supervisor;
  const result = await supervisor.value.operate(operationOf(step));
  if (result.ok || result.error.code !== "SUPERVISOR_NOT_FOUND") return result;
  // A temporary child that ended has left: changed, it is worth another run.
  if (step.do === "replace") return await supervisor.value.operate({ type: "admin.add", spec: step.spec });
  return step.do === "remove" ? ok(undefined) : result;
}

/** A supervisor that went down meanwhile takes its new specification from its parent when it starts. */
const toleratesAbsence = (step: Step): boolean => step.do === "respec" || step.do === "remove";

function operationOf(step: Step): Operation {
  switch (step.do) {
    case "add":
      return { type: "admin.add", spec: step.spec };
    case "replace":
      return { type: "admin.replace", spec: step.spec, fresh: false };
    case "respec":
      return { type: "specs.changed", spec: step.spec };
    case "remove":
      return { type: "admin.delete", path: step.before.path, stop: true };
  }
}

/** Undoes the steps in reverse; the old specifications are put back last, without touching a child. */
async function takeBack(
  root: Supervisor,
  before: SupervisorSpec,
  done: readonly { readonly step: Step; readonly wasUp: boolean }[],
  cause: CellError,
): Promise<CellError> {
  const notRestored: string[] = [];
  for (const { step, wasUp } of done.toReversed()) {
    const back = wasUp ? inverse(step) : undefined;
    if (back === undefined) continue;
    const result = await perform(root, back);
    if (!result.ok) notRestored.push(`${pathOf(step)}: ${result.error.message}`);
  }
  for (const spec of supervisorsOf(before)) {
    await perform(root, { do: "respec", supervisor: spec.path, before: spec, spec });
  }
  const failure: Failure | undefined = failureIn(cause);
  const where = cause.where ?? pathOf(done.at(-1)?.step);
  const rest = notRestored.length === 0 ? "" : `; not restored: ${notRestored.join(", ")}`;
  const details = { ...(failure && { failure }), notRestored };
  return new CellError("SUPERVISOR_RECONCILE_FAILED", `${cause.message}${rest}`, { where, cause, details });
}

function inverse(step: Step): Step | undefined {
  switch (step.do) {
    case "add":
      return { do: "remove", supervisor: step.supervisor, before: step.spec };
    case "replace":
      return { ...step, before: step.spec, spec: step.before, fresh: [] };
    case "remove":
      return { do: "add", supervisor: step.supervisor, spec: step.before };
    case "respec":
      return undefined;
  }
}

function* supervisorsOf(spec: SupervisorSpec): Generator<SupervisorSpec> {
  yield spec;
  for (const child of spec.children) if (child.kind === "supervisor") yield* supervisorsOf(child);
}

function pathOf(step: Step | undefined): string {
  if (step === undefined) return "";
  if (step.do === "remove") return step.before.path;
  return step.spec.path;
}

function reportOf(steps: readonly Step[]): ReconcileReport {
  const paths = (kind: Step["do"]) => steps.filter((step) => step.do === kind).map(pathOf);
  return {
    added: paths("add"),
    restarted: paths("replace"),
    removed: paths("remove"),
    respecified: paths("respec"),
  };
}
