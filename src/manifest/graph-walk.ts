// Ways through a graph, in start order.
import type { ActorSpec, ChildSpec, Graph, Placed, PlacedGraph, SupervisorSpec } from "./graph.ts";

/** Everything of a graph: a supervisor before its children, in start order. */
export function* specsOf(graph: Pick<Graph, "roots">): Generator<ChildSpec> {
  for (const root of graph.roots) yield* below(root);
}

function* below(spec: ChildSpec): Generator<ChildSpec> {
  yield spec;
  if (spec.kind === "supervisor") for (const child of spec.children) yield* below(child);
}

/** What runs behaviours: actors, and the templates of dynamic supervisors at their supervisors' paths. */
export function* actorsOf(graph: Pick<Graph, "roots">): Generator<ActorSpec> {
  for (const spec of specsOf(graph)) {
    if (spec.kind === "actor") yield spec;
    else if (spec.template !== undefined) yield spec.template;
  }
}

/** Path of the supervisor above; empty for a graph's own. */
export const parentPath = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** Where a path runs: an actor's own place, or for a child of a dynamic supervisor its template's. */
export function placeOf({ placed }: PlacedGraph, path: string): Placed | undefined {
  if (Object.hasOwn(placed, path)) return placed[path];
  const parent = parentPath(path);
  // Of supervisors only those with a template are placed.
  return Object.hasOwn(placed, parent) ? placed[parent] : undefined;
}

/** What is stated of a path; of a child that was started at run time its template, at its path. */
export function statedAt(graph: Pick<Graph, "roots">, path: string): ChildSpec | undefined {
  const parent = parentPath(path);
  for (const spec of specsOf(graph)) {
    if (spec.path === path) return spec;
    if (spec.path === parent && spec.kind === "supervisor" && spec.template !== undefined)
      return { ...spec.template, path };
  }
  return undefined;
}

/** The part of a supervisor that holds the actors chosen: itself when it holds no others, undefined when it holds none. Empty supervisors that were empty stay. */
export function pruneSupervisor(
  supervisor: SupervisorSpec,
  keep: (actor: ActorSpec) => boolean,
): SupervisorSpec | undefined {
  const { template } = supervisor;
  if (template !== undefined) return keep(template) ? supervisor : undefined;
  const children = supervisor.children.flatMap((child): ChildSpec[] => {
    if (child.kind === "actor") return keep(child) ? [child] : [];
    const pruned = pruneSupervisor(child, keep);
    return pruned === undefined ? [] : [pruned];
  });
  if (children.length === 0 && supervisor.children.length > 0) return undefined;
  const isWhole =
    children.length === supervisor.children.length &&
    children.every((child, at) => child === supervisor.children[at]);
  return isWhole ? supervisor : { ...supervisor, children };
}
