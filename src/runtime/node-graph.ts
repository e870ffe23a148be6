// Which part of the cell's graph this node runs, and the kernel that runs it.
import type { CellError } from "../errors/cell-error.ts";
import type { ActorSpec, PlacedGraph, SupervisorSpec } from "../manifest/graph.ts";
import { parentPath, placeOf, pruneSupervisor } from "../manifest/graph-walk.ts";
import { toHex } from "../security/bytes.ts";
import { faultOf, type ManifestCapability } from "../security/capability/manifest-capability.ts";
import type { AuthorityPorts, Granted } from "../security/intake/authority.ts";
import type { RevocationList } from "../security/revocation/revocation-list.ts";
import { isDrilled, kernelIntensity } from "./drilled.ts";
import { graphResources } from "./graph-resources.ts";
import { bareCapability, capabilitiesIn } from "./manifest-capabilities.ts";
import { TOOL_ACTORS, toolCapabilities } from "./tool-grants.ts";

/** Of a node that `cell0 drill` started, and of no other. */
const DRILL_ACTORS = isDrilled ? (["drill"] as const) : [];

/** Kernel actors of every node, in start order; each at `kernel/<node>/<name>`. */
export const NODE_ACTORS = [
  "telemetry",
  "broker-link",
  "core-link",
  "authority",
  "registry",
  ...TOOL_ACTORS,
  "deadletters",
  ...DRILL_ACTORS,
] as const;
export type NodeActor = (typeof NODE_ACTORS)[number];

/** The actor that keeps the cell's graph, on the node that owns shard 0. */
export const GRAPH_ACTOR = "kernel/graph";

/** The capability authority, on the node that owns shard 0. */
export const CAPABILITIES_ACTOR = "kernel/capabilities";
const FIRST_NODE_ACTORS: readonly string[] = [GRAPH_ACTOR, CAPABILITIES_ACTOR];

const KERNEL_FLAGS = {
  kind: "supervisor",
  strategy: "one_for_one",
  intensity: kernelIntensity,
  periodMs: 10_000,
  backoff: { initialMs: 0, maxMs: 0, factor: 1 },
  restart: "permanent",
} as const;

const DRILL_PROGRESS_MS = 200;

export const kernelPath = (node: string, actor: NodeActor): string => `kernel/${node}/${actor}`;

/** @param ownsFirst whether this node owns shard 0 */
export function kernelSpec(node: string, ownsFirst: boolean): SupervisorSpec {
  const own: SupervisorSpec = {
    ...KERNEL_FLAGS,
    path: `kernel/${node}`,
    children: NODE_ACTORS.map((actor) => kernelActor(kernelPath(node, actor))),
  };
  return {
    ...KERNEL_FLAGS,
    path: "kernel",
    children: [own, ...(ownsFirst ? FIRST_NODE_ACTORS.map(kernelActor) : [])],
  };
}

function kernelActor(path: string): ActorSpec {
  return {
    kind: "actor",
    path,
    behaviour: { module: "", export: "" },
    input: null,
    restart: "permanent",
    shutdownMs: 5_000,
    isolation: "shared",
    durable: false,
    mailbox: { bound: 10_000, whenFull: "refuse" },
    intents: {},
    grants: [],
    placement: {},
    // An apply waits for the actors that it starts; who offers faults waits for nobody.
    progressMs: path.endsWith("/drill") ? DRILL_PROGRESS_MS : 600_000,
  };
}

/** The graphs' supervisors that hold actors placed on this node. */
export function rootsOf(graph: PlacedGraph, node: string): readonly SupervisorSpec[] {
  return graph.roots.flatMap(
    (root) => pruneSupervisor(root, ({ path }) => graph.placed[path]?.node === node) ?? [],
  );
}

export type AuthoritySources = {
  readonly placed: () => PlacedGraph;
  /** Owner of shard 0. */
  readonly firstNode: () => string | undefined;
  /** Whether the cell has a node of this name. */
  readonly isNode: (name: string) => boolean;
  readonly capabilities: AuthorityPorts["capabilities"];
  readonly revocations: RevocationList;
  /** What a dynamic supervisor of this node makes its next child from. */
  readonly runningTemplate: (supervisor: string) => ActorSpec | undefined;
};

/** The graph actor asks the other nodes' registries whether they are there. */
const STATUS_GRANTS: Granted = {
  grants: [{ intents: ["node.status"], targets: ["kernel/*/registry"] }],
};

/** It asks them too, with the node's next key, before the node takes that one. */
const AUTHORITY_ACTOR = /^kernel\/[a-z0-9-]+\/authority$/;

/** What intake and sends ask about the graph. Answers come from maps made once a revision. */
export function graphAuthority(sources: AuthoritySources): AuthorityPorts {
  const { placed, firstNode, isNode, capabilities, revocations, runningTemplate } = sources;
  let graph: PlacedGraph | undefined;
  let clients = new Map<string, Granted[]>();
  let actors = new Map<string, Granted>();
  const refresh = () => {
    const current = placed();
    if (graph === current) return;
    graph = current;
    clients = new Map();
    actors = new Map();
    for (const { holder, capability } of capabilitiesIn(current).values()) {
      const { kind, name, grants, tools } = holder;
      const all = [...grants, ...toolCapabilities(tools, current.placed[name]?.node)];
      const granted = { grants: all, capability: standingOf(capability, revocations) };
      if (kind === "actor") actors.set(name, granted);
      else clients.set(name, [...(clients.get(name) ?? []), granted]);
    }
  };
  const faultWithout = (path: string): CellError | undefined =>
    standingOf(bareCapability(placed(), path, revocations), revocations).fault();
  /** Of an actor, or a template's child, that is granted nothing. */
  const ungranted = (path: string): Granted => ({
    grants: [],
    capability: {
      name: () => toHex(bareCapability(placed(), path, revocations).hash()),
      fault: () => faultWithout(path) ?? faultWithout(parentPath(path)),
    },
  });
  return {
    placementOf: (path) =>
      path.startsWith("kernel/") ? kernelPlacement(path, firstNode(), isNode) : placeOf(placed(), path)?.node,
    actorGrants: (path) => {
      if (path === GRAPH_ACTOR || AUTHORITY_ACTOR.test(path)) return STATUS_GRANTS;
      refresh();
      // Children that were started at run time have the grants of their template.
      return actors.get(path) ?? actors.get(parentPath(path)) ?? ungranted(path);
    },
    clientGrants: (name) => {
      refresh();
      return clients.get(name) ?? [];
    },
    currentEpoch: () => 0,
    capabilities,
    resources: graphResources(placed, runningTemplate),
  };
}

const standingOf = (
  capability: ManifestCapability,
  revocations: RevocationList,
): NonNullable<Granted["capability"]> => ({
  name: () => toHex(capability.hash()),
  fault: () => faultOf(capability, revocations, Date.now(), performance.now()),
});

/** `kernel/graph` and `kernel/capabilities` live with shard 0, `kernel/<node>/<actor>` on that node. */
function kernelPlacement(
  path: string,
  firstNode: string | undefined,
  isNode: (name: string) => boolean,
): string | undefined {
  if (FIRST_NODE_ACTORS.includes(path)) return firstNode;
  const [, node = "", actor, ...rest] = path.split("/");
  const known = rest.length === 0 && NODE_ACTORS.some((each) => each === actor) && isNode(node);
  return known ? node : undefined;
}
