// The node's supervisor tree: the kernel, and this node's part of the graph in
// force. Changes with the graph, and returns to it when it drifts.

import { longWork } from "../actors/in-hand.ts";
import type { OutgoingIntent } from "../actors/intent.ts";
import { createIsolation, type Isolation } from "../actors/isolation/isolation.ts";
import type { KeyRotationPorts } from "../actors/kernel/authority.ts";
import type { KernelFailure } from "../actors/kernel/drill.ts";
import type { NodeStatus, TreeNode } from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import type { ChildSpec, PlacedGraph } from "../manifest/graph.ts";
import { actorsOf } from "../manifest/graph-walk.ts";
import { type Plan, planGraph } from "../manifest/plan.ts";
import { unmetSync } from "../manifest/sync-demands.ts";
import type { AuthorityPorts } from "../security/intake/authority.ts";
import type { Signer } from "../security/keys/signing-key.ts";
import { openSecrets } from "../security/secrets.ts";
import { kernelFailure } from "../supervisor/failure.ts";
import { systemClock } from "../supervisor/ports.ts";
import { startTree, type Tree } from "../supervisor/tree.ts";
import { TreeMemory } from "../supervisor/tree-memory.ts";
import { createBehaviourProbe } from "./behaviour-probe.ts";
import { capabilityPorts } from "./capability-ports.ts";
import { brokerSyncOf, type CellConfig } from "./cell-config.ts";
import { codeRoot } from "./code-root.ts";
import { type Convergence, converge } from "./convergence.ts";
import type { DataDir } from "./data-dir.ts";
import { matrix } from "./drilled.ts";
import type { OpenedDurable } from "./durable/open-durable.ts";
import { GraphKeeper } from "./graph-keeper.ts";
import { graphPorts } from "./graph-ports.ts";
import { KernelLayer } from "./kernel-layer.ts";
import { kernelParts } from "./kernel-parts.ts";
import type { Links, Watched } from "./links.ts";
import type { MintPorts } from "./minting.ts";
import { kernelSpec, rootsOf } from "./node-graph.ts";
import type { NodeRecords } from "./node-records.ts";
import type { AskRevision } from "./node-revision.ts";
import type { NodeTelemetry } from "./node-telemetry.ts";
import { type NodeWatch, watchNodes } from "./node-watch.ts";
import { ownedShards } from "./owned-shards.ts";
import { watchProgress } from "./progress-watch.ts";
import { openQuarantine } from "./quarantine.ts";
import { registryPorts } from "./registry-ports.ts";
import type { RestartHistory } from "./restart-history.ts";
import type { Revival } from "./revival.ts";
import type { RunningActors } from "./running-actors.ts";
import type { Sender } from "./sends.ts";
import { childStarter, type KernelPart, type StartChild } from "./start-child.ts";
import { grantedTools } from "./tool-grants.ts";
import { treeReport } from "./tree-report.ts";

export type ActorSystemOptions = {
  readonly dir: DataDir;
  readonly config: CellConfig;
  readonly links: Links;
  readonly records: NodeRecords;
  /** Of this node; it may become another one. */
  readonly key: Signer;
  readonly rotation: KeyRotationPorts;
  readonly authority: Pick<AuthorityPorts, "actorGrants" | "clientGrants">;
  readonly nextId: () => Uint8Array;
  readonly placed: Watched<PlacedGraph>;
  readonly firstNode: () => string | undefined;
  readonly actors: RunningActors;
  readonly revival: Revival;
  readonly history: RestartHistory;
  readonly telemetry: NodeTelemetry;
  readonly send: (from: Sender, intent: OutgoingIntent) => void;
  /** Durable actors of this node, and the term that all incarnations bear. */
  readonly durable: Pick<OpenedDurable, "runtime" | "term">;
  readonly status: () => NodeStatus;
  /** Which revision another node runs. */
  readonly askRevision: AskRevision;
  /** Whether the connection that all goes through still works, as far as can be told. */
  readonly isSound: () => Promise<boolean>;
  readonly onFatal: (error: CellError) => void;
  readonly onProblem: (error: CellError) => void;
};

export type ActorSystem = {
  tree(): TreeNode;
  /** Number of the newest revision that this node runs its part of. */
  revision(): number;
  /** Something was thrown or rejected that no actor is named for. */
  strayed(error: unknown): void;
  stop(graceMs: number): Promise<void>;
};

/** Between a graph and itself: it has 100,000 actors to compare. */
const NO_CHANGES: Plan = { changes: [], restarts: new Set() };

/** Throws SUPERVISOR_START_FAILED when the kernel does not come up; a graph that does not is a status. */
export async function openActorSystem(options: ActorSystemOptions): Promise<ActorSystem> {
  const system = new System(options);
  await system.start();
  return system;
}

class System implements ActorSystem {
  readonly #options: ActorSystemOptions;
  readonly #kernel = new Map<string, KernelPart>();
  /** What runs here, or is about to: its code hashes are what actors are started from. */
  #running: PlacedGraph;
  readonly #layer: KernelLayer;
  #startChild: StartChild | undefined;
  #convergence: Convergence | undefined;
  #nodeWatch: NodeWatch | undefined;
  #unwatch = (): void => {};
  #revision = 0;
  /** How the drill's actor fails at each start, until all is built anew. */
  #doomed: KernelFailure | undefined;
  readonly #isolation: Isolation;

  constructor(options: ActorSystemOptions) {
    this.#options = options;
    this.#isolation = createIsolation(codeRoot(options.dir));
    this.#running = options.placed.value;
    this.#layer = new KernelLayer({
      start: (memory) => this.#startTree(memory),
      started: (tree) => this.#goOn(tree),
      actors: () => options.actors.size,
      record: options.telemetry.record,
      isSound: options.isSound,
      onFatal: options.onFatal,
    });
  }

  async start(): Promise<void> {
    for (const [path, part] of this.#parts()) this.#kernel.set(path, part);
    this.#options.actors.templatesBy((supervisor) => this.#layer.tree?.templateOf(supervisor));
    const tree = await this.#layer.start();
    this.#convergence = converge(tree, (path, error) => this.#problem(path, error));
    this.#revision = this.#inForce();
    this.#nodeWatch = watchNodes({
      nodes: () => this.#othersInUse(),
      revision: () => this.#inForce(),
      ask: this.#options.askRevision,
    });
    const { actors, telemetry } = this.#options;
    this.#unwatch = watchProgress({ actors, clock: systemClock, record: telemetry.record });
    this.#options.placed.follow((graph) => void this.#follow(graph));
  }

  #startTree(memory: TreeMemory | undefined): Promise<Tree> {
    const { dir, telemetry, actors, durable, revival, onProblem } = this.#options;
    this.#doomed = undefined;
    this.#startChild ??= this.#childStarter();
    return startTree({
      roots: this.#roots(this.#running),
      ports: {
        startChild: this.#startChild,
        clock: systemClock,
        random: Math.random,
        term: durable.term,
        record: telemetry.record,
        down: (path) => {
          const why = revival.parked.refusal(path);
          revival.succession.down(path, why);
          actors.down(path, why);
          durable.runtime.down(path);
        },
        quarantine: openQuarantine({ directory: dir.quarantine, now: Date.now, onProblem }),
      },
      matrix,
      memory: memory ?? new TreeMemory(durable.term, revival.parked),
      onKernelGaveUp: (failure, rule) => this.#layer.gaveUp(failure, rule),
    });
  }

  /** The tree was built anew: what is held down goes down again, and what changed meanwhile is made up for. */
  async #goOn(tree: Tree): Promise<void> {
    const held = this.#convergence?.held() ?? [];
    this.#convergence?.stop();
    this.#convergence = converge(tree, (path, error) => this.#problem(path, error));
    for (const path of held) {
      this.#convergence.hold(path, true);
      await tree.stopChild(path);
    }
    await this.#follow(this.#options.placed.value);
  }

  #childStarter(): StartChild {
    const { dir, telemetry, actors, revival, send } = this.#options;
    const secrets = openSecrets({ directory: dir.secrets, keyFile: dir.secretsKey });
    return childStarter({
      actors,
      kernel: this.#kernel,
      graph: () => this.#running,
      secret: (name) => secrets.get(name),
      send,
      record: telemetry.record,
      isolation: this.#isolation,
      succession: revival.succession,
      durable: this.#options.durable.runtime,
    });
  }

  tree(): TreeNode {
    return treeReport(this.#sources());
  }

  revision(): number {
    return this.#revision;
  }

  strayed(error: unknown): void {
    const failure = kernelFailure("kernel", error);
    this.#layer.strayed(failure, matrix.kernel[failure.class]);
  }

  async stop(graceMs: number): Promise<void> {
    this.#convergence?.stop();
    this.#nodeWatch?.stop();
    this.#unwatch();
    await this.#layer.stop(graceMs);
    await this.#isolation.close();
  }

  /** Makes this node run its part of a graph; on an error what ran before runs. */
  async run(graph: PlacedGraph, plan: Plan): Promise<Result<unknown, CellError>> {
    const before = this.#running;
    this.#running = graph;
    const changed = await this.#requireTree().reconcile(this.#roots(graph), { restart: plan.restarts });
    if (!changed.ok) {
      this.#running = before;
      return changed;
    }
    const inPlace = new Set(plan.changes.flatMap(({ path, restarts }) => (restarts ? [] : [path])));
    for (const spec of actorsOf(graph)) {
      if (!inPlace.has(spec.path)) continue;
      const reconfigured = this.#options.actors.reconfigure(spec);
      if (!reconfigured.ok) this.#problem(spec.path, reconfigured.error);
    }
    return changed;
  }

  /** A revision made elsewhere, or by this node's own keeper, which runs it already. */
  async #follow(graph: PlacedGraph): Promise<void> {
    const revision = this.#inForce();
    const before = this.#running;
    const plan = graph === before ? NO_CHANGES : longWork(() => planGraph(before, graph));
    const changed = plan.changes.length === 0 ? undefined : await this.run(graph, plan);
    if (changed?.ok === false) this.#problem("", changed.error);
    else this.#revision = Math.max(this.#revision, revision);
  }

  #parts(): ReadonlyMap<string, KernelPart> {
    const { config, links, records, dir, telemetry, history, status, firstNode, askRevision } = this.#options;
    const brokerSync = brokerSyncOf(config);
    const unmet = () =>
      unmetSync(this.#running, brokerSync).map(({ where = "", message: reason }) => ({
        path: where,
        reason,
      }));
    const { revisions, trust, revocations } = records;
    const unsatisfied = () => [...(this.#convergence?.unsatisfied() ?? []), ...this.#missing(), ...unmet()];
    const keeper = new GraphKeeper({
      revisions,
      revoked: revocations.list,
      brokerSync,
      firstNode: () => firstNode() ?? config.node,
      nodes: () => this.#nodes(),
      probe: createBehaviourProbe(
        () => this.#options.placed.value,
        (paths) => this.#options.durable.runtime.liveStates(paths),
      ),
      run: (graph, plan) => this.run(graph, plan),
      settled: async (revision) => await this.#nodeWatch?.settled(revision),
      unsatisfied,
    });
    const answers = async (node: string) => node === config.node || (await askRevision(node)) !== undefined;
    const granting = { keeper, revisions, revocations, onProblem: this.#options.onProblem };
    const graph = graphPorts({ keeper, revisions, trust: trust.store, unsatisfied, answers });
    return kernelParts({
      node: config.node,
      links,
      trust,
      rotation: this.#options.rotation,
      registry: registryPorts({
        tree: () => this.#requireTree(),
        rebuild: () => this.#layer.rebuild(),
        convergence: () => this.#convergence,
        sources: this.#sources(),
        history,
        durable: this.#options.durable.runtime,
        status,
      }),
      first:
        firstNode() === config.node
          ? { graph, capabilities: capabilityPorts(granting, this.#minting()) }
          : undefined,
      tools: {
        grantsOf: grantedTools(() => this.#options.placed.value, config.node),
        record: telemetry.record,
        secret: (name) => openSecrets({ directory: dir.secrets, keyFile: dir.secretsKey }).get(name),
      },
      deadLetters: this.#options.revival.deadLetters,
      drill: {
        flipNextSnapshot: (path) => this.#requireTree().damageNextSnapshot(path),
        doom: (failure) => {
          this.#doomed = failure;
        },
        doomedTo: () => this.#doomed,
      },
      eventsPath: dir.events,
      flushEvents: () => telemetry.flush(),
    });
  }

  #minting(): MintPorts {
    const { records, telemetry, authority, key, nextId } = this.#options;
    const { actorGrants, clientGrants } = authority;
    return {
      key,
      trust: records.trust.store,
      revocations: records.revocations.list,
      stream: records.minted,
      actorGrants,
      clientGrants,
      nextId,
      record: telemetry.record,
    };
  }

  /** Other nodes that something is placed on, as the owner of the graph sees it. */
  #othersInUse(): readonly string[] {
    const { config, firstNode } = this.#options;
    if (firstNode() !== config.node || this.#nodes().length < 2) return [];
    const used = new Set(Object.values(this.#running.placed).map(({ node }) => node));
    return [...used].filter((node) => node !== config.node);
  }

  /** What is placed on a node that does not answer, or is behind. */
  #missing(): readonly { readonly path: string; readonly reason: string }[] {
    return Object.entries(this.#running.placed).flatMap(([path, { node }]) => {
      const reason = this.#nodeWatch?.fault(node);
      return reason === undefined ? [] : [{ path, reason }];
    });
  }

  /** Number of the revision in force; 0 before the first one. */
  #inForce(): number {
    return this.#options.records.revisions.current()?.revision ?? 0;
  }

  #nodes() {
    const store = this.#options.records.trust.store;
    const now = Date.now();
    return store
      .nodes(now)
      .map(({ principal }) => ({ name: principal, shards: ownedShards(store, principal, now) }));
  }

  #roots(graph: PlacedGraph): readonly ChildSpec[] {
    const { config, firstNode } = this.#options;
    return [kernelSpec(config.node, firstNode() === config.node), ...rootsOf(graph, config.node)];
  }

  #sources() {
    const { config, actors } = this.#options;
    return {
      node: config.node,
      roots: () => this.#layer.tree?.inspect().roots ?? [],
      actors,
      placed: () => this.#running,
    };
  }

  #requireTree(): Tree {
    const { tree } = this.#layer;
    if (tree === undefined) throw new CellError("CELL_STOPPING", "the node is still starting");
    return tree;
  }

  #problem(path: string, error: Error): void {
    const { onProblem } = this.#options;
    onProblem(
      error instanceof CellError
        ? error
        : new CellError("CELL_APPLY_FAILED", error.message, { where: path, cause: error }),
    );
  }
}
