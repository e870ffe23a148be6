// Which shard each actor lives on, recorded when a revision is made. Pure: the
// same graph on the same nodes is placed the same way, and what is placed stays.
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ActorSpec, Graph, Placed, PlacedGraph } from "./graph.ts";
import { actorsOf } from "./graph-walk.ts";
import { nearest } from "./suggest.ts";

export type PlacementNode = {
  readonly name: string;
  /** Shards that it owns, both ends included. */
  readonly shards: readonly { readonly first: number; readonly last: number }[];
};

export type PlacementInput = {
  /** SHA-256 of each behaviour's code, hex, by the actor's path. */
  readonly codeHashes: Readonly<Record<string, string>>;
  readonly nodes: readonly PlacementNode[];
  /** Owner of shard 0: where actors go by default. */
  readonly firstNode: string;
  readonly previous?: PlacedGraph;
};

/** MANIFEST_NODE_UNKNOWN, MANIFEST_NODE_WITHOUT_SHARDS. */
export function placeGraph(graph: Graph, input: PlacementInput): Result<PlacedGraph, CellError> {
  const loads = new Map(input.nodes.map((node) => [node.name, shardLoads(node)]));
  const placed: Record<string, Placed> = {};
  for (const actor of actorsOf(graph)) {
    const node = actor.placement.node ?? input.firstNode;
    const load = loads.get(node);
    if (load === undefined) return err(unknownNode(actor, node, [...loads.keys()]));
    const shard = chooseShard(load, input.previous?.placed[actor.path]?.shard);
    if (shard === undefined) {
      return err(
        new CellError("MANIFEST_NODE_WITHOUT_SHARDS", `\`${node}\` owns no shard`, { where: actor.path }),
      );
    }
    load.set(shard, (load.get(shard) ?? 0) + 1);
    placed[actor.path] = { shard, node, codeHash: input.codeHashes[actor.path] ?? "0".repeat(64) };
  }
  const { roots, clients } = graph;
  return ok({ roots, clients, placed });
}

function shardLoads({ shards }: PlacementNode): Map<number, number> {
  const loads = new Map<number, number>();
  for (const { first, last } of shards)
    for (let shard = first; shard <= last; shard += 1) loads.set(shard, 0);
  return loads;
}

/** The shard from before while the node still owns it, else its least loaded one. */
function chooseShard(loads: ReadonlyMap<number, number>, before: number | undefined): number | undefined {
  if (before !== undefined && loads.has(before)) return before;
  let best: number | undefined;
  for (const [shard, load] of loads) {
    if (best === undefined || load < (loads.get(best) ?? 0)) best = shard;
    if (load === 0) return shard;
  }
  return best;
}

function unknownNode(actor: ActorSpec, node: string, names: readonly string[]): CellError {
  const suggestion = nearest(node, names);
  const hint = suggestion === undefined ? "" : `; did you mean \`${suggestion}\`?`;
  return new CellError("MANIFEST_NODE_UNKNOWN", `the cell has no node \`${node}\`${hint}`, {
    where: actor.path,
  });
}
