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

/**
 * An actor stays on its shard while some node owns that and its pin allows it;
 * others go to the least loaded shard of their node.
 * MANIFEST_NODE_UNKNOWN, MANIFEST_NODE_WITHOUT_SHARDS, MANIFEST_GRAPH_INVALID (an actor without a code hash).
 */
export function placeGraph(graph: Graph, input: PlacementInput): Result<PlacedGraph, CellError> {
  const loads = new Map(input.nodes.map((node) => [node.name, shardLoads(node)]));
  const kept = keptPlaces(graph, loads, input.previous);
  const placed: Record<string, Placed> = {};
  for (const actor of actorsOf(graph)) {
    const codeHash = Object.hasOwn(input.codeHashes, actor.path) ? input.codeHashes[actor.path] : undefined;
    if (codeHash === undefined) return err(withoutCode(actor));
    const place = kept.get(actor.path) ?? freshPlace(actor, loads, input.firstNode);
    if (place instanceof CellError) return err(place);
    placed[actor.path] = { ...place, codeHash };
  }
  const { roots, clients } = graph;
  return ok({ roots, clients, placed });
}

type Place = Pick<Placed, "shard" | "node">;
/** Actors on each shard of a node. */
type Loads = ReadonlyMap<string, Map<number, number>>;

/** Counted before anything new is placed, so that new actors go where there is room. */
function keptPlaces(graph: Graph, loads: Loads, previous: PlacedGraph | undefined): Map<string, Place> {
  const owners = new Map(
    [...loads].flatMap(([node, shards]) => [...shards.keys()].map((shard) => [shard, node])),
  );
  const kept = new Map<string, Place>();
  for (const { path, placement } of actorsOf(graph)) {
    const before =
      previous !== undefined && Object.hasOwn(previous.placed, path) ? previous.placed[path] : undefined;
    const node = before === undefined ? undefined : owners.get(before.shard);
    if (before === undefined || node === undefined) continue;
    if (placement.node !== undefined && placement.node !== node) continue;
    count(loads, node, before.shard);
    kept.set(path, { shard: before.shard, node });
  }
  return kept;
}

function freshPlace(actor: ActorSpec, loads: Loads, firstNode: string): Place | CellError {
  const node = actor.placement.node ?? firstNode;
  const shards = loads.get(node);
  if (shards === undefined) return unknownNode(actor, node, [...loads.keys()]);
  const shard = leastLoaded(shards);
  if (shard === undefined) {
    return new CellError("MANIFEST_NODE_WITHOUT_SHARDS", `\`${node}\` owns no shard`, { where: actor.path });
  }
  count(loads, node, shard);
  return { shard, node };
}

function count(loads: Loads, node: string, shard: number): void {
  const shards = loads.get(node);
  shards?.set(shard, (shards.get(shard) ?? 0) + 1);
}

function shardLoads({ shards }: PlacementNode): Map<number, number> {
  const loads = new Map<number, number>();
  for (const { first, last } of shards)
    for (let shard = first; shard <= last; shard += 1) loads.set(shard, 0);
  return loads;
}

function leastLoaded(shards: ReadonlyMap<number, number>): number | undefined {
  let best: number | undefined;
  for (const [shard, load] of shards) {
    if (load === 0) return shard;
    if (best === undefined || load < (shards.get(best) ?? 0)) best = shard;
  }
  return best;
}

const withoutCode = ({ path }: ActorSpec): CellError =>
  new CellError("MANIFEST_GRAPH_INVALID", "the actor's code has no hash", { where: path });

function unknownNode(actor: ActorSpec, node: string, names: readonly string[]): CellError {
  const suggestion = nearest(node, names);
  const hint = suggestion === undefined ? "" : `; did you mean \`${suggestion}\`?`;
  return new CellError("MANIFEST_NODE_UNKNOWN", `the cell has no node \`${node}\`${hint}`, {
    where: actor.path,
  });
}
