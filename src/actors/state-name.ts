import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";

/** "open.waiting"; parallel regions in braces, "open.{draft,review.late}"; empty without states. */
export function stateName(value: AnyMachineSnapshot["value"]): string {
  if (typeof value === "string") return value;
  const regions = Object.entries(value).map(([key, inner]) => {
    const name = inner === undefined ? "" : stateName(inner);
    return name === "" ? key : `${key}.${name}`;
  });
  return regions.length < 2 ? (regions[0] ?? "") : `{${regions.join(",")}}`;
}

const MAX_STATES = 1000;

/** Names of all states, parents before children. */
export function statesOf(machine: AnyStateMachine): string[] {
  const names: string[] = [];
  const visit = (node: AnyStateMachine["root"]): void => {
    if (names.length >= MAX_STATES) return;
    if (node.path.length > 0) names.push(node.path.join("."));
    for (const child of Object.values<AnyStateMachine["root"]>(node.states)) visit(child);
  };
  visit(machine.root);
  return names;
}
