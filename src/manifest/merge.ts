// What a cell should run after some graphs were applied, pruned or deleted.
import type { Graph } from "./graph.ts";

/**
 * Graphs are replaced whole, by name, keeping their place in the start order;
 * new ones come last. With `prune`, graphs that `applied` does not name go.
 */
export function mergeGraphs(current: Graph, applied: Graph, prune: boolean): Graph {
  if (prune) return { roots: applied.roots, clients: applied.clients };
  const appliedNames = new Set(applied.roots.map(({ path }) => path));
  const byName = new Map(applied.roots.map((root) => [root.path, root]));
  const kept = current.roots.map((root) => byName.get(root.path) ?? root);
  const currentNames = new Set(current.roots.map(({ path }) => path));
  const added = applied.roots.filter(({ path }) => !currentNames.has(path));
  const clients = current.clients.filter(({ graph }) => !appliedNames.has(graph));
  return { roots: [...kept, ...added], clients: [...clients, ...applied.clients] };
}

/** The graph without the named ones. */
export function withoutGraphs(current: Graph, names: readonly string[]): Graph {
  const gone = new Set(names);
  return {
    roots: current.roots.filter(({ path }) => !gone.has(path)),
    clients: current.clients.filter(({ graph }) => !gone.has(graph)),
  };
}

export const emptyGraph: Graph = { roots: [], clients: [] };
