// Changes of what a supervisor is meant to hold. Flags and specifications change without
// a child being started or stopped, as in a code change of an OTP supervisor.
import type { ChildSpec, SupervisorSpec } from "../manifest/graph.ts";
import { recounted } from "./child-counts.ts";
import { compacted, entriesOf, findChild, tableOf, withNewChild, withoutChild } from "./child-table.ts";
import { respecced } from "./dynamic.ts";
import { absent, type ChildStatus, type SupervisorState } from "./supervisor-state.ts";

export function tableWith(state: SupervisorState, spec: ChildSpec): SupervisorState {
  return { ...state, children: withNewChild(state.children, spec.path, absent(spec)) };
}

/**
 * Of a child that is down. Positions change at most while nothing walks along them. Its
 * restarts stay counted, as in OTP: they were the supervisor's.
 */
export function tableWithout(state: SupervisorState, path: string): SupervisorState {
  const counts = recounted(state.counts, findChild(state.children, path), undefined);
  const left = withoutChild(state.children, path);
  const children = state.phase === "running" ? compacted(left) : left;
  return { ...state, counts, children };
}

/**
 * Takes over flags, order and the specifications of children that are there already.
 * Children that the new specification does not name stay, last, until they are deleted.
 */
export function withSpec(state: SupervisorState, spec: SupervisorSpec): SupervisorState {
  if (spec.template !== undefined) return respecced(state, spec, spec.template);
  const { children } = state;
  const present = new Map(entriesOf(children));
  const entries: (readonly [string, ChildStatus])[] = [];
  for (const child of spec.children) {
    const status = present.get(child.path);
    if (status !== undefined) entries.push([child.path, { ...status, spec: child }]);
    present.delete(child.path);
  }
  return { ...state, spec, children: tableOf([...entries, ...present]) };
}
