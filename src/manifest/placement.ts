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
  const loads = new Map(input.nodes.map((node) => [node.name, new ShardLoads(node)]));
  const kept = keptPlaces(graph, loads, input.previous);
  const placed: Record<string, Placed> = {};
  for (const actor of actorsOf(graph)) {
    const codeHash = Object.hasOwn(input.codeHashes, actor.path) ? input.codeHashes[actor.path] : undefined;
    if (codeHash === undefined) return err(withoutCode(actor));
    const place = kept.get(actor.path) ?? freshPlace(actor, loads, input.firstNode);
    if (place instanceof CellError) return err(place);
    placed[actor.path] = asBefore(input.previous?.placed[actor.path], { ...place, codeHash });
  }
  const { roots, clients } = graph;
  return ok({ roots, clients, placed });
}

/** What stays is the same object: a plan for a graph of many thousands need not look into it. */
const asBefore = (before: Placed | undefined, now: Placed): Placed =>
  before?.shard === now.shard && before.node === now.node && before.codeHash === now.codeHash ? before : now;

type Place = Pick<Placed, "shard" | "node">;
/** Actors on each shard of a node. */
type Loads = ReadonlyMap<string, ShardLoads>;

/** Counted before anything new is placed, so that new actors go where there is room. */
function keptPlaces(graph: Graph, loads: Loads, previous: PlacedGraph | undefined): Map<string, Place> {
  const owners = new Map(
    [...loads].flatMap(([node, shards]) => shards.shards.map((shard) => [shard, node] as const)),
  );
  const kept = new Map<string, Place>();
  for (const { path, placement } of actorsOf(graph)) {
    const before =
      previous !== undefined && Object.hasOwn(previous.placed, path) ? previous.placed[path] : undefined;
    const node = before === undefined ? undefined : owners.get(before.shard);
    if (before === undefined || node === undefined) continue;
    if (placement.node !== undefined && placement.node !== node) continue;
    loads.get(node)?.count(before.shard);
    kept.set(path, { shard: before.shard, node });
  }
  return kept;
}

function freshPlace(actor: ActorSpec, loads: Loads, firstNode: string): Place | CellError {
  const node = actor.placement.node ?? firstNode;
  const shards = loads.get(node);
  if (shards === undefined) return unknownNode(actor, node, [...loads.keys()]);
  const shard = shards.leastLoaded();
  if (shard === undefined) {
    return new CellError("MANIFEST_NODE_WITHOUT_SHARDS", `\`${node}\` owns no shard`, { where: actor.path });
  }
  shards.count(shard);
  return { shard, node };
}

/** Counts never fall, so that the least loaded shard is found by going on from the last one. */
class ShardLoads {
  readonly shards: readonly number[];
  readonly #counts: Map<number, number>;
  #at = 0;
  #least = 0;

  constructor({ shards }: PlacementNode) {
    this.shards = shards.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    );
    this.#counts = new Map(this.shards.map((shard) => [shard, 0]));
  }

  count(shard: number): void {
    this.#counts.set(shard, this.#of(shard) + 1);
  }

  /** The first of those with the fewest; undefined: the node owns none. */
  leastLoaded(): number | undefined {
    for (; this.#at < this.shards.length; this.#at += 1) {
      const shard = this.shards[this.#at];
      if (shard !== undefined && this.#of(shard) <= this.#least) return shard;
    }
    if (this.shards.length === 0) return undefined;
    this.#least = Math.min(...this.#counts.values());
    this.#at = 0;
    return this.leastLoaded();
  }

  #of(shard: number): number {
    return this.#counts.get(shard) ?? 0;
  }
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
