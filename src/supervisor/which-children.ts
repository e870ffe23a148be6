// A supervisor's children as it would tell them: Erlang's which_children and
// count_children. Pure, from its state.
import type { RestartType } from "../manifest/graph.ts";
import { isActive } from "./child-counts.ts";
import { entriesOf } from "./child-table.ts";
import { type ChildPhase, isDynamic, type SupervisorState } from "./supervisor-state.ts";

export type ChildRow = {
  readonly path: string;
  readonly kind: "actor" | "supervisor";
  readonly phase: ChildPhase;
  readonly restart: RestartType;
};

export type ChildrenReport = {
  /** Whether they are made from a template at run time. */
  readonly dynamic: boolean;
  /** In start order. */
  readonly which: readonly ChildRow[];
  readonly count: {
    /** Specifications, of children that run or not. */
    readonly specs: number;
    /** Children that run. */
    readonly active: number;
    readonly supervisors: number;
    readonly workers: number;
  };
};

export function reportChildren(state: SupervisorState): ChildrenReport {
  const statuses = [...entriesOf(state.children)].map(([, status]) => status);
  const which = statuses.map(({ spec: { path, kind, restart }, phase }) => ({ path, kind, phase, restart }));
  const supervisors = which.filter(({ kind }) => kind === "supervisor").length;
  const active = statuses.filter(isActive).length;
  const count = { specs: which.length, active, supervisors, workers: which.length - supervisors };
  return { dynamic: isDynamic(state), which, count };
}
