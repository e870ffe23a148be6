// The composition root: makes a node out of every folder's parts. It decides
// nothing itself; which part knows which, and in which order they come up and go
// down, is all that is said here.
import { randomBytes } from "node:crypto";
import type { NodeStatus, TreeNode } from "./actors/kernel/reports.ts";
import type { CellError } from "./errors/cell-error.ts";
import type { PlacedGraph } from "./manifest/graph.ts";
import { placeOf } from "./manifest/graph-walk.ts";
import { emptyGraph } from "./manifest/merge.ts";
import { type ActorSystem, openActorSystem } from "./runtime/actor-system.ts";
import { BrokerDoor } from "./runtime/broker-door.ts";
import { readCellConfig } from "./runtime/cell-config.ts";
import { isRead } from "./runtime/connection-check.ts";
import type { DataDir } from "./runtime/data-dir.ts";
import { type OpenedDurable, openDurable } from "./runtime/durable/open-durable.ts";
import { readNodeIdentity } from "./runtime/join-cell.ts";
import { type KeyRotation, openKeyRotation } from "./runtime/key-rotation.ts";
import { Watched, whyClosed } from "./runtime/links.ts";
import { type Messaging, openMessaging } from "./runtime/messaging.ts";
import { graphAuthority } from "./runtime/node-graph.ts";
import { NodeKey } from "./runtime/node-key.ts";
import { openNodeLinks } from "./runtime/node-links.ts";
import { openRecords } from "./runtime/node-records.ts";
import { askRevision } from "./runtime/node-revision.ts";
import { nodeStatus } from "./runtime/node-status.ts";
import { type NodeTelemetry, openNodeTelemetry } from "./runtime/node-telemetry.ts";
import { packageVersion } from "./runtime/package-info.ts";
import { preloadBehaviours } from "./runtime/preload-behaviours.ts";
import { processDied } from "./runtime/process-records.ts";
import { keyProver } from "./runtime/prove-key.ts";
import { openReplayGuard } from "./runtime/replay-guard.ts";
import { RestartHistory } from "./runtime/restart-history.ts";
import { openRevival } from "./runtime/revival.ts";
import { RunningActors } from "./runtime/running-actors.ts";
import { createSecondOpinion } from "./runtime/second-opinion.ts";
import { signNewestAnew } from "./runtime/sign-anew.ts";
import { createVerifyAhead } from "./runtime/verify-ahead.ts";
import { cellChainVerifier } from "./security/capability/chain-verifier.ts";
import { HybridClock } from "./security/clock/hybrid-clock.ts";
import { signingKeyOf } from "./security/identity/creds-file.ts";
import { createIds } from "./security/wire/capsule-id.ts";
import type { Recovery } from "./supervisor/cradle/cradle.ts";
import type { Suspect } from "./supervisor/cradle/process-spec.ts";

export type NodeOptions = {
  /** The node cannot go on: its process is to end and be started again. */
  readonly onFatal: (error: CellError) => void;
  /** What earlier processes of this node had in hand when they died or were stuck; the latest last. */
  readonly suspects: readonly Suspect[];
};

export type RunningNode = {
  status(): NodeStatus;
  tree(): TreeNode;
  /** Records that a process of this node died and is back. */
  recovered(recovery: Recovery): void;
  /** Something was thrown or rejected in this process that no actor is named for: it is taken for the kernel's. */
  strayed(error: unknown): void;
  /** Takes nothing new, finishes what was accepted within `graceMs`, and closes everything in reverse order. */
  stop(reason: string, graceMs: number): Promise<void>;
};

export type StandingNode = {
  /** Makes it the node's process. What only one process may hold is taken now: no other one may run any more. */
  promote(options: NodeOptions): Promise<RunningNode>;
};

/**
 * Prepares a node's process: connected, with the cell's records and the code of its actors.
 * Throws what keeps a node from coming up: keys, broker, core, records.
 * @param standby whether another process of this node runs still
 */
export async function prepareNode(dir: DataDir, standby: boolean): Promise<StandingNode> {
  const ground = await openGround(dir, standby);
  if (standby) await preloadBehaviours(ground.placed, ground.config.node);
  return { promote: (options) => promote(dir, ground, standby, options) };
}

async function promote(
  dir: DataDir,
  ground: Ground,
  standby: boolean,
  options: NodeOptions,
): Promise<RunningNode> {
  const startedAtUnixMs = Date.now();
  const { config, links, records, telemetry, actors, placed, firstNode, onProblem } = ground;
  if (standby) {
    await useNewestKey(dir, ground);
    telemetry.begin({ forgetting: true });
    // It serves meanwhile: what the stream lacks, the one before would have written as late.
    records.activate().catch(onProblem);
  }
  telemetry.publishOn(links.connection, config.cell);
  const revival = openRevival({ ...ground, dir, suspects: options.suspects });
  const life: Life = { stopping: false, bootMs: 0, system: undefined };
  const whyNot = () => whyClosed(links.states, life.stopping);
  const door = new BrokerDoor({ dir, config, record: telemetry.record, onProblem });
  const { messaging, durable } = openBus(dir, ground, {
    startedAtUnixMs,
    door,
    whyNot,
    onFenced: options.onFatal,
  });
  const status = (): NodeStatus =>
    nodeStatus({
      config,
      links: links.states,
      startedAtUnixMs,
      bootMs: () => life.bootMs,
      revision: () => life.system?.revision() ?? 0,
      actors: () => actors.size,
      awake: () => durable.runtime.awake,
      brokerVersion: () => links.connection.version(),
      coreVersion: () => links.coreVersion(),
      accepting: () => whyNot() === undefined,
      unheard: () => records.revocations.list.unheard(Date.now(), performance.now()),
      refusals: () => messaging.refusals(),
    });
  const rotation = openRotation(dir, ground);
  const system = await openActorSystem({
    ...ground,
    dir,
    links: links.states,
    revival,
    rotation,
    send: messaging.send,
    durable,
    status,
    askRevision: askRevision(messaging.send),
    isSound: () => isRead(links.connection),
    onFatal: options.onFatal,
  });
  life.system = system;
  messaging.serve({ placed, firstNode });
  door.open();
  life.bootMs = Date.now() - startedAtUnixMs;
  recordStart(telemetry, links.coreVersion() ?? "", life.bootMs);
  return {
    status,
    tree: () => system.tree(),
    recovered(recovery) {
      telemetry.record(processDied(recovery));
      // Of what it tells this process may die in the next moment.
      telemetry.flush();
    },
    strayed: (error) => system.strayed(error),
    async stop(reason, graceMs) {
      life.stopping = true;
      rotation.stop();
      await messaging.drain();
      await door.close();
      await system.stop(graceMs);
      durable.close();
      await revival.deadLetters.stop();
      await records.stop();
      telemetry.record({ kind: { case: "nodeStopped", value: { reason } } });
      telemetry.flush();
      await messaging.close();
      await links.close();
      await telemetry.close();
    },
  };
}

/** The process before this one may have taken another key since this one began to stand by. */
async function useNewestKey(dir: DataDir, { key }: Ground): Promise<void> {
  key.use(signingKeyOf(await readNodeIdentity(dir)));
}

function openRotation(
  dir: DataDir,
  { config, links, records, key, maker, identity, onProblem }: Ground,
): KeyRotation {
  const { cell, node } = config;
  const { connection } = links;
  const trust = records.trust.store;
  const prove = keyProver({ connection, cell, node, maker, trust, genesisHash: identity.genesis.hash });
  const { revisions } = records;
  const signAnew = () => signNewestAnew({ node, key, trust, revisions });
  return openKeyRotation({ dir, node, key, trust, prove, signAnew, onProblem });
}

type Life = { stopping: boolean; bootMs: number; system: ActorSystem | undefined };

type Ground = Awaited<ReturnType<typeof openGround>>;

type BusOptions = {
  /** When this process became the node's: no other one runs any more. */
  readonly startedAtUnixMs: number;
  readonly door: BrokerDoor;
  readonly whyNot: () => CellError | undefined;
  /** Another process owns a shard of this node. */
  readonly onFenced: (error: CellError) => void;
};

/** Everything that crosses the bus, and the durable actors that it is journaled for; each needs the other. */
function openBus(
  dir: DataDir,
  ground: Ground,
  { startedAtUnixMs, door, whyNot, onFenced }: BusOptions,
): { readonly messaging: Messaging; readonly durable: OpenedDurable } {
  const { config, links, records, telemetry, placed, onProblem, identity, key } = ground;
  const common = {
    connection: links.connection,
    trust: records.trust.store,
    sealing: { key, genesisHash: identity.genesis.hash },
    record: telemetry.record,
  };
  let durable: OpenedDurable | undefined;
  const messaging = openMessaging({
    ...ground,
    ...common,
    startedAtUnixMs,
    replay: openReplayGuard(dir, startedAtUnixMs, onProblem),
    spent: records.spent,
    counted: records.counted,
    secondOpinion: createSecondOpinion((checks) => links.core.verifyBatch(checks)),
    verifyAhead: createVerifyAhead({
      genesisHash: identity.genesis.hash,
      trust: records.trust.store,
      verify: (checks, call) => links.core.verifyBatch(checks, call),
    }),
    door,
    whyNot,
    tracing: telemetry.tracing,
    durable: {
      isDurable: (path) => durable?.runtime.isDurable(path) === true,
      shardOf: (path) =>
        durable?.runtime.isDurable(path) === true ? placeOf(placed.value, path)?.shard : undefined,
      accept: (acceptance) => durable?.runtime.accept(acceptance),
    },
  });
  const { cell, node } = config;
  const placedNow = () => placed.value;
  durable = openDurable({ dir, cell, node, ...common, placed: placedNow, messaging, onFenced, onProblem });
  return { messaging, durable };
}

/** All that stands before there are actors: keys, clock, telemetry, links and the cell's records. */
async function openGround(dir: DataDir, standby: boolean) {
  const config = await readCellConfig(dir);
  const identity = await readNodeIdentity(dir);
  const key = new NodeKey(identity);
  const clock = new HybridClock(Date.now);
  const nextId = createIds({ nowUnixMs: Date.now, randomBytes: (size) => randomBytes(size) });
  const maker = { nextId, tick: () => clock.tick() };
  const history = new RestartHistory();
  const telemetry = openNodeTelemetry({ dir, config, clock, observe: (event) => history.observe(event) });
  const { record } = telemetry;
  if (!standby) telemetry.begin({ forgetting: false });
  const onProblem = (error: CellError) => telemetry.problem(error);
  const links = await openNodeLinks({ dir, config, identity, record, onProblem });
  const { connection } = links;
  const placed = new Watched<PlacedGraph>({ ...emptyGraph, placed: {} });
  const records = await openRecords({
    dir,
    config,
    identity,
    key,
    connection,
    standby,
    placed,
    onProblem,
    record,
  });
  const firstNode = () => records.trust.store.shardOwner(0, Date.now());
  const isNode = (name: string) => {
    const known = records.trust.store.byPrincipal(name, Date.now());
    return known.ok && known.value.kind === "node";
  };
  const { list: revocations } = records.revocations;
  const capabilities = cellChainVerifier(records.trust.store, revocations);
  const actors = new RunningActors({ record });
  const authority = graphAuthority({
    ...{ placed: () => placed.value, firstNode, isNode, capabilities, revocations },
    runningTemplate: (supervisor) => actors.templateOf(supervisor),
  });
  return {
    config,
    identity,
    key,
    clock,
    maker,
    history,
    telemetry,
    onProblem,
    links,
    placed,
    records,
    firstNode,
    authority,
    actors,
    nextId,
  };
}

function recordStart({ record, tracing }: NodeTelemetry, coreVersion: string, bootMs: number): void {
  record({
    kind: { case: "nodeStarted", value: { version: packageVersion, coreVersion, bootUs: bootMs * 1000 } },
  });
  void tracing.start();
}
