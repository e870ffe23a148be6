// The tree as an operator sees it: plain JSON, made from what the supervisors know.

import type { Failure, Incarnation } from "../actors/child.ts";
import type { Backoff, RestartType, Strategy, SupervisorSpec } from "../manifest/graph.ts";
import { entriesOf } from "./child-table.ts";
import { describeExit } from "./exit-rules.ts";
import { restartsWithin } from "./restart-window.ts";
import type { Supervisor } from "./supervisor.ts";
import { type SupervisorStateName, stateName } from "./supervisor-logic.ts";
import { absent, type ChildPhase, type ChildStatus } from "./supervisor-state.ts";

type NodeBase = {
  readonly path: string;
  readonly restart: RestartType;
  /** Automatic restarts by the present run of its supervisor. */
  readonly restarts: number;
  readonly incarnation?: Incarnation;
  readonly startedAtUnixMs?: number;
  /** Set while it waits out its backoff. */
  readonly restartAtUnixMs?: number;
  readonly lastExit?: { readonly reason: string; readonly atUnixMs: number; readonly failure?: Failure };
  /** Set while it is down by hand: drift, which the convergence loop mends. */
  readonly stoppedBy?: "operator";
};

export type ActorNode = NodeBase & { readonly kind: "actor"; readonly state: ChildPhase };

export type SupervisorNode = NodeBase & {
  readonly kind: "supervisor";
  readonly state: ChildPhase | SupervisorStateName;
  readonly strategy: Strategy;
  readonly intensity: number;
  readonly periodMs: number;
  readonly backoff: Backoff;
  readonly restartsInPeriod: number;
  readonly children: readonly TreeNode[];
};

export type TreeNode = ActorNode | SupervisorNode;

export function inspectChildren(supervisor: Supervisor, nowMs: number): readonly TreeNode[] {
  return [...entriesOf(supervisor.state.children)].map(([path, status]) =>
    inspectChild(status, supervisor.nested(path), nowMs),
  );
}

function inspectChild(status: ChildStatus, nested: Supervisor | undefined, nowMs: number): TreeNode {
  const { spec } = status;
  const base = baseOf(status);
  if (spec.kind === "actor") return { ...base, kind: "actor", state: status.phase };
  const own = status.phase === "running" || status.phase === "starting" ? nested : undefined;
  return {
    ...base,
    kind: "supervisor",
    state: own === undefined ? status.phase : stateName(own.state),
    strategy: spec.strategy,
    intensity: spec.intensity,
    periodMs: spec.periodMs,
    backoff: spec.backoff,
    restartsInPeriod: nested ? restartsWithin(nested.state.window, nowMs, spec.periodMs).length : 0,
    children: nested ? inspectChildren(nested, nowMs) : neverStarted(spec, nowMs),
  };
}

function neverStarted(spec: SupervisorSpec, nowMs: number): readonly TreeNode[] {
  return spec.children.map((child) => inspectChild(absent(child), undefined, nowMs));
}

function baseOf(status: ChildStatus): NodeBase {
  const { spec, lastExit, incarnation, startedAtUnixMs, restartAtUnixMs, stoppedBy } = status;
  return {
    path: spec.path,
    restart: spec.restart,
    restarts: status.restarts,
    ...(incarnation && { incarnation }),
    ...(startedAtUnixMs !== undefined && { startedAtUnixMs }),
    ...(restartAtUnixMs !== undefined && { restartAtUnixMs }),
    ...(lastExit && { lastExit: exitOf(lastExit) }),
    ...(stoppedBy && { stoppedBy }),
  };
}

function exitOf({
  reason,
  atUnixMs,
}: NonNullable<ChildStatus["lastExit"]>): NonNullable<NodeBase["lastExit"]> {
  const told = { reason: describeExit(reason), atUnixMs };
  return reason.kind === "failed" ? { ...told, failure: reason.failure } : told;
}
