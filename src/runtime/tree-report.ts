// The supervisor tree with what the actors' hosts know of themselves, as the
// registry reports it.
import type { ActorReport, RestartRow, TreeNode } from "../actors/kernel/reports.ts";
import type { ActorSpec, PlacedGraph } from "../manifest/graph.ts";
import { placeOf, statedAt } from "../manifest/graph-walk.ts";
import { toolLines } from "../manifest/tool-text.ts";
import type { TreeNode as Inspected } from "../supervisor/inspect.ts";
import type { RunningActor, RunningActors } from "./running-actors.ts";

export type TreeSources = {
  readonly node: string;
  readonly roots: () => readonly Inspected[];
  readonly actors: RunningActors;
  readonly placed: () => PlacedGraph;
};

/** The node's whole tree under one root, named after the node. */
export function treeReport(sources: TreeSources): TreeNode {
  const children = sources.roots().map((root) => nodeReport(root, sources));
  const { node } = sources;
  return { path: node, kind: "supervisor", status: "running", restarts: 0, node, children };
}

export function actorReport(
  path: string,
  history: readonly RestartRow[],
  sources: TreeSources,
): ActorReport | undefined {
  const found = find(sources.roots(), path);
  if (found === undefined) return undefined;
  const running = sources.actors.get(path);
  const spec = statedAt(sources.placed(), path);
  const placed = placeOf(sources.placed(), path);
  const actor = spec?.kind === "actor" ? spec : undefined;
  return {
    ...nodeReport(found, sources),
    ...(found.incarnation === undefined ? {} : { incarnation: found.incarnation }),
    ...(actor === undefined
      ? {}
      : {
          behaviour: `${actor.behaviour.module}#${actor.behaviour.export}`,
          grants: actor.grants,
          prices: pricesIn(actor),
          tools: toolLines(actor.tools),
        }),
    ...(placed === undefined ? {} : { codeHash: placed.codeHash }),
    ...(running === undefined ? {} : { intents: running.host.describe().intents }),
    ...(running?.host.bound === undefined ? {} : { bound: running.host.bound }),
    ...(spec === undefined ? {} : { spec: withoutChildren(spec) }),
    history,
  };
}

function nodeReport(node: Inspected, sources: TreeSources): TreeNode {
  const running = node.kind === "actor" ? sources.actors.get(node.path) : undefined;
  const shard = node.kind === "actor" ? placeOf(sources.placed(), node.path)?.shard : undefined;
  const reason = whyDown(node);
  return {
    path: node.path,
    kind: node.kind,
    status: statusOf(node.state),
    restarts: node.restarts,
    node: sources.node,
    ...(node.startedAtUnixMs === undefined ? {} : { startedAtUnixMs: node.startedAtUnixMs }),
    ...(shard === undefined ? {} : { shard }),
    ...(reason === undefined ? {} : { reason }),
    ...(running === undefined ? {} : hostPart(running)),
    ...(node.kind === "supervisor"
      ? { children: node.children.map((child) => nodeReport(child, sources)) }
      : {}),
  };
}

function hostPart({ host, spec, mailboxBound }: RunningActor): Partial<TreeNode> {
  const { state, mailboxDepth, handled, refused } = host.stats();
  const isAsleep = host.isAwake === false;
  const durable = spec.durable ? (isAsleep ? "asleep" : "awake") : "no";
  const shown = isAsleep && state === "" ? "asleep" : state;
  return { state: shown, mailboxDepth, mailboxBound, handled, refused, durable };
}

/** `gaveUp` is `gave-up` to those who read it. */
const statusOf = (state: string): string => state.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function whyDown(node: Inspected): string | undefined {
  if (node.state === "running" || node.state === "starting") return undefined;
  if (node.stoppedBy === "operator") return "stopped by hand";
  const failure = node.lastExit?.failure;
  if (failure !== undefined) {
    const where = failure.rootActor === node.path ? "" : ` in ${failure.rootActor}`;
    return `${failure.name}${where}: ${failure.message}`;
  }
  return node.lastExit?.reason;
}

function find(nodes: readonly Inspected[], path: string): Inspected | undefined {
  for (const node of nodes) {
    if (node.path === path) return node;
    const below =
      node.kind === "supervisor" && path.startsWith(`${node.path}/`) ? find(node.children, path) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}

const pricesIn = ({ intents }: ActorSpec): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(intents).flatMap(([type, { costMicro }]) =>
      costMicro === undefined ? [] : [[type, costMicro]],
    ),
  );

const withoutChildren = (spec: object): object => ({ ...spec, children: undefined });
