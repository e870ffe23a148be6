// Supervisors whose children come and go at run time, all from one template: Erlang's
// simple_one_for_one. Their children are started by name, leave nothing behind when they
// end, are stopped in parallel, and are not there again when their supervisor is restarted.
import type { ActorSpec, Json, SupervisorSpec } from "../manifest/graph.ts";
import { PATH_PATTERN } from "../manifest/names.ts";
import { entriesOf, tableOf } from "./child-table.ts";
import type { ChildStatus, SupervisorState } from "./supervisor-state.ts";

/** Undefined when the name makes no path. An input of null stands for the template's own. */
export function dynamicSpec(supervisor: SupervisorSpec, name: string, input: Json): ActorSpec | undefined {
  const { template, path: parent } = supervisor;
  const path = `${parent}/${name}`;
  if (template === undefined || name.includes("/") || !PATH_PATTERN.test(path)) return undefined;
  return { ...template, path, input: input === null ? template.input : input };
}

/**
 * Children that run go on as they are; what is restarted, is restarted by the new
 * template with the input that it was started with.
 */
export function respecced(
  state: SupervisorState,
  spec: SupervisorSpec,
  template: ActorSpec,
): SupervisorState {
  const entries = [...entriesOf(state.children)].map(([path, status]): readonly [string, ChildStatus] => {
    const input = status.spec.kind === "actor" ? status.spec.input : template.input;
    return [path, { ...status, spec: { ...template, path, input } }];
  });
  return { ...state, spec, children: tableOf(entries) };
}
