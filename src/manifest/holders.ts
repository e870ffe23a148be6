// Who holds what a graph grants: its actors, the children that a template makes, and clients.
import type { ActorSpec, ChildSpec, ClientSpec, GrantSpec, Graph, Minting, PlacedGraph } from "./graph.ts";
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
  for (const actor of actorsOf(graph)) if (isGranted(actor)) yield holderOf(actor);
  for (const client of graph.clients) yield clientHolder(client);
}

/** The one with this key, without a look at all others. */
export function holderAt(graph: Graph, key: string): Holder | undefined {
  const holder = anyHolderAt(graph, key);
  return holder === undefined || isBare(holder) ? undefined : holder;
}

/** Actors that are granted nothing, and templates of such. */
export function* ungrantedOf(graph: Graph): Generator<Holder> {
  for (const actor of actorsOf(graph)) if (!isGranted(actor)) yield holderOf(actor);
}

/** The actor with this path that is granted nothing, or that of a supervisor's template. */
export function ungrantedAt(graph: Graph, path: string): Holder | undefined {
  const holder = anyHolderAt(graph, path);
  return holder !== undefined && isBare(holder) ? holder : undefined;
}

/** An actor that is granted nothing. */
export const isBare = (holder: Holder): boolean => holder.kind === "actor" && !isGranted(holder);

function anyHolderAt(graph: Graph, key: string): Holder | undefined {
  const client = graph.clients.find(({ graph: name, name: of }) => clientKey(name, of) === key);
  if (client !== undefined) return clientHolder(client);
  let among: readonly ChildSpec[] = graph.roots;
  for (;;) {
    const next: ChildSpec | undefined = among.find(({ path }) => key === path || key.startsWith(`${path}/`));
    if (next === undefined) return undefined;
    const actor = next.kind === "actor" ? next : next.template;
    if (next.path === key) return actor && holderOf(actor);
    if (next.kind === "actor") return undefined;
    among = next.children;
  }
}

const holderOf = ({ path, grants, tools }: ActorSpec): Holder => ({
  ...{ key: path, kind: "actor", name: path, graph: graphOfKey(path), grants },
  ...(tools && { tools }),
});

const clientHolder = ({ graph, name, grants }: ClientSpec): Holder => ({
  ...{ key: clientKey(graph, name), kind: "client", name, graph, grants },
});

/** No path has a space. */
export const clientKey = (graph: string, client: string): string => `${graph} (client ${client})`;

/** Stands in place of a holder's key: nothing that any graph grants to a client of this name counts, also one that comes. */
export const clientMark = (client: string): string => `(client ${client})`;

/** Name of the graph that a holder's key is of. */
export const graphOfKey = (key: string): string => key.split(/[/ ]/, 1)[0] ?? "";

const FIRST: Minting = { epoch: 0, generation: 0 };

export const mintingOf = ({ capabilities = {} }: PlacedGraph, key: string): Minting =>
  (Object.hasOwn(capabilities, key) ? capabilities[key] : undefined) ?? FIRST;

const isGranted = ({ grants, tools }: Pick<ActorSpec, "grants" | "tools">): boolean =>
  grants.length > 0 || (tools !== undefined && tools.http.length + tools.fs.length + tools.exec.length > 0);
