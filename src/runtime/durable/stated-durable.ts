// Whether a graph states a durable actor at a path. What a journal holds for any other, one
// that was removed or is durable no more, is never begun: its senders are told.
import type { PlacedGraph } from "../../manifest/graph.ts";
import { actorsOf, parentPath } from "../../manifest/graph-walk.ts";

/** Read once for each graph: they are large, and asked often. */
const known = new WeakMap<PlacedGraph, ReadonlySet<string>>();

/** A child that was started at run time is what its template is. */
export function isStatedDurable(graph: PlacedGraph, path: string): boolean {
  const paths = known.get(graph) ?? new Set([...actorsOf(graph)].filter(isDurable).map((spec) => spec.path));
  known.set(graph, paths);
  return paths.has(path) || paths.has(parentPath(path));
}

const isDurable = ({ durable }: { readonly durable: boolean }): boolean => durable;
