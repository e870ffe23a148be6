// Ways through a graph, in start order.
import type { ActorSpec, ChildSpec, Graph, SupervisorSpec } from "./graph.ts";

/** Everything of a graph: a supervisor before its children, in start order. */
export function* specsOf(graph: Pick<Graph, "roots">): Generator<ChildSpec> {
  for (const root of graph.roots) yield* below(root);
}

function* below(spec: ChildSpec): Generator<ChildSpec> {
  yield spec;
  if (spec.kind === "supervisor") for (const child of spec.children) yield* below(child);
}

export function* actorsOf(graph: Pick<Graph, "roots">): Generator<ActorSpec> {
  for (const spec of specsOf(graph)) if (spec.kind === "actor") yield spec;
}

export function findSpec(graph: Pick<Graph, "roots">, path: string): ChildSpec | undefined {
  for (const spec of specsOf(graph)) if (spec.path === path) return spec;
  return undefined;
}

/** The part of a supervisor that holds the actors chosen; undefined when it holds none. Empty supervisors that were empty stay. */
export function pruneSupervisor(
  supervisor: SupervisorSpec,
  keep: (actor: ActorSpec) => boolean,
): SupervisorSpec | undefined {
  const children = supervisor.children.flatMap((child): ChildSpec[] => {
    if (child.kind === "actor") return keep(child) ? [child] : [];
    const pruned = pruneSupervisor(child, keep);
    return pruned === undefined ? [] : [pruned];
  });
  if (children.length === 0 && supervisor.children.length > 0) return undefined;
  return { ...supervisor, children };
}
