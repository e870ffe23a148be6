// Changes of what a supervisor is meant to hold. Flags and specifications change without
// a child being started or stopped, as in a code change of an OTP supervisor.
import type { ChildSpec, SupervisorSpec } from "../manifest/graph.ts";
import { entriesOf, tableOf } from "./child-table.ts";
import { absent, type ChildStatus, type SupervisorState } from "./supervisor-state.ts";

export function tableWith(state: SupervisorState, spec: ChildSpec): SupervisorState {
  return { ...state, children: tableOf([...entriesOf(state.children), [spec.path, absent(spec)]]) };
}

export function tableWithout(state: SupervisorState, path: string): SupervisorState {
  const kept = [...entriesOf(state.children)].filter(([key]) => key !== path);
  const window = state.window.filter((entry) => entry.key !== path);
  return { ...state, window, children: tableOf(kept) };
}

/**
 * Takes over flags, order and the specifications of children that are there already.
 * Children that the new specification does not name stay, last, until they are deleted.
 */
export function withSpec(state: SupervisorState, spec: SupervisorSpec): SupervisorState {
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
