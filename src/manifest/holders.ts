// Who holds what a graph grants: its actors, the children that a template makes, and clients.
import type { ActorSpec, GrantSpec, Graph, Minting, PlacedGraph } from "./graph.ts";
import { actorsOf } from "./graph-walk.ts";
import type { ToolsSpec } from "./tools.ts";

export type Holder = {
  /** Unlike that of any other holder of the cell. */
  readonly key: string;
  readonly kind: "actor" | "client";
  /** Path of the actor, or of the supervisor whose template it is; the client's name. */
  readonly name: string;
  readonly graph: string;
  readonly grants: readonly GrantSpec[];
  readonly tools?: ToolsSpec;
};

/** Those that are granted anything, in the order of the graph. */
export function* holdersOf(graph: Graph): Generator<Holder> {
  for (const actor of actorsOf(graph)) {
    const { path, grants, tools } = actor;
    if (!isGranted(actor)) continue;
    yield { key: path, kind: "actor", name: path, graph: graphOfKey(path), grants, ...(tools && { tools }) };
  }
  for (const { graph: name, name: client, grants } of graph.clients)
    yield { key: clientKey(name, client), kind: "client", name: client, graph: name, grants };
}

/** No path has a space. */
export const clientKey = (graph: string, client: string): string => `${graph} (client ${client})`;

/** Name of the graph that a holder's key is of. */
export const graphOfKey = (key: string): string => key.split(/[/ ]/, 1)[0] ?? "";

const FIRST: Minting = { epoch: 0, generation: 0 };

export const mintingOf = ({ capabilities = {} }: PlacedGraph, key: string): Minting =>
  (Object.hasOwn(capabilities, key) ? capabilities[key] : undefined) ?? FIRST;

const isGranted = ({ grants, tools }: ActorSpec): boolean =>
  grants.length > 0 || (tools !== undefined && tools.http.length + tools.fs.length + tools.exec.length > 0);
