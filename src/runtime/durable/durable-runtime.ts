// Durable actors at this node: takes the shards that they are in, brings back what was
// accepted for them, journals what is accepted now before anybody hears of it, and wakes
// whom something waits for. Everything else is done by the parts that it holds.
import type { ActorDescription, ActorHost } from "../../actors/actor-host.ts";
import type { Incarnation } from "../../actors/child.ts";
import type { CommitMeta } from "../../actors/durable/ports.ts";
import type { LiveState } from "../../actors/durable/upgrade.ts";
import type { KeptReport } from "../../actors/kernel/reports.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok } from "../../errors/result.ts";
import type { ActorSpec, PlacedGraph } from "../../manifest/graph.ts";
import { actorsOf, parentPath, statedAt } from "../../manifest/graph-walk.ts";
import { createRecordSealer } from "../../security/records/record-sealer.ts";
import type { Sealing } from "../../security/wire/seal.ts";
import { VerifiedRoots } from "../../security/wire/verify-envelope.ts";
import type { JournalStream } from "../../transport/durable/journal-stream.ts";
import type { StateStream } from "../../transport/durable/state-stream.ts";
import { atTurnEnd } from "../../transport/turn-end.ts";
import type { Awakening } from "./awakening.ts";
import { unlessAway } from "./away.ts";
import { DurableActor, type DurableActorPorts } from "./durable-actor.ts";
import { DurableChild } from "./durable-child.ts";
import { type Acceptance, journalIntent } from "./journal-intent.ts";
import { JournalTrimmer, neededUntil } from "./journal-trimmer.ts";
import { keptReport } from "./kept-report.ts";
import { createLimiter } from "./limiter.ts";
import { liveStates } from "./live-states.ts";
import { readKept } from "./load-state.ts";
import type { Marks } from "./marks.ts";
import { OwnCommits } from "./own-commits.ts";
import { recoveredIntent } from "./recovered.ts";
import { Residency } from "./residency.ts";
import { ShardJournal } from "./shard-journal.ts";
import { isStatedDurable } from "./stated-durable.ts";
import { takeShard } from "./take-shard.ts";

export type DurableRuntimeOptions = {
  readonly node: string;
  readonly journal: JournalStream;
  readonly state: StateStream;
  readonly marks: Marks;
  readonly sealing: Sealing;
  /** The node's own term, see node-term.ts. */
  readonly term: number;
  readonly isNodeKey: DurableActorPorts["isNodeKey"];
  readonly placed: () => PlacedGraph;
  readonly toHost: DurableActorPorts["toHost"];
  readonly relay: DurableActorPorts["relay"];
  readonly responder: DurableActorPorts["responder"];
  readonly onDamaged: DurableActorPorts["onDamaged"];
  readonly onBegunAnew: DurableActorPorts["onBegunAnew"];
  /** Another process owns a shard of this node: this one is to end. */
  readonly onFenced: (error: CellError) => void;
  readonly onProblem: (error: CellError) => void;
  /** Actors in memory, beyond which the least recently used leave it; default 10,000. */
  readonly maxAwake?: number;
  /** Milliseconds to leave memory in, or be killed; default 5,000. */
  readonly passivateMs?: number;
};

export type StartDurable = {
  readonly spec: ActorSpec;
  /** The graph that is being started. */
  readonly graph: PlacedGraph;
  readonly incarnation: Incarnation;
  readonly start: (spec: ActorSpec, awakening: Awakening) => ActorHost | Promise<ActorHost>;
  /** Of one that is not awake; undefined: only an incarnation can tell, so that one comes up at each start. */
  readonly describe: ((spec: ActorSpec) => ActorDescription) | undefined;
};

/** Awakenings under way at a time. */
const MAX_AWAKENING = 64;
const MAX_TAKING = 32;
const TRIM_MS = 5_000;
/** After the start: a node that dies again and again would otherwise read more at each start. */
const FIRST_TRIM_MS = 500;
const SCAN_TIMEOUT_MS = 60_000;
/** Records without an intent that a journal may hold: each costs little at a start, and taking them out costs too. */
const SPARE_RECORDS = 8;

export class DurableRuntime {
  readonly #options: DurableRuntimeOptions;
  readonly #stopping = new AbortController();
  readonly #actors = new Map<string, DurableActor>();
  readonly #children = new Map<string, DurableChild>();
  /** Ended, and about to be started again: what is accepted meanwhile waits in the journal. */
  readonly #between = new Map<string, DurableChild>();
  readonly #shards = new Map<number, Promise<ShardJournal>>();
  readonly #journals = new Map<number, ShardJournal>();
  readonly #ports: DurableActorPorts;
  readonly #sealer;
  readonly #trimmer: JournalTrimmer;
  readonly #residency: Residency;
  readonly #limit = createLimiter(MAX_AWAKENING);
  readonly #limitTaking = createLimiter(MAX_TAKING);
  #ready: Promise<void> | undefined;
  /** Another process owns a shard: this one ends, and takes nothing meanwhile. */
  #fence: CellError | undefined;
  /** Actors that have committed, by what their newest commit says; read once, at the first need. */
  #heads = new Map<string, CommitMeta>();
  #firstSweep: NodeJS.Timeout | undefined;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(options: DurableRuntimeOptions) {
    this.#options = options;
    this.#residency = new Residency(options.maxAwake);
    const { marks, sealing, journal, state } = options;
    const roots = new VerifiedRoots();
    this.#sealer = createRecordSealer({
      ...sealing,
      // A journal record and the commits of what it holds are made in one turn, and share a signature.
      schedule: atTurnEnd,
      firstBatch: BigInt(Date.now()) * 1000n,
      roots,
    });
    this.#ports = {
      ...options,
      stream: state,
      sealer: this.#sealer,
      marks,
      own: new OwnCommits(),
      genesisHash: sealing.genesisHash,
      roots,
      nowUnixMs: Date.now,
      signal: this.#stopping.signal,
      readKept: (actor) => readKept(this.#ports, actor),
      onFenced: (shard) => this.#fenced(shard),
      journaled: (shard, position) => this.#journals.get(shard)?.kept(position),
      onCommitted: () => {},
    };
    this.#trimmer = new JournalTrimmer({
      stream: journal,
      marks,
      headOf: (shard) => this.#journals.get(shard)?.head,
      repeat: (actor) => actor.repeat({ onCorruption: "park" }),
      isGone: (actor) => !isStatedDurable(options.placed(), actor.path),
      onProblem: options.onProblem,
    });
  }

  /**
   * Starts a durable actor for its supervisor; while the broker is away it waits.
   * Throws what keeps its state or its shard from being had.
   */
  async start(options: StartDurable): Promise<ActorHost> {
    const { spec, graph, incarnation, start, describe } = options;
    const shard = shardOf(graph, spec.path);
    const { term } = await unlessAway(this.#stopping.signal, async () => {
      await this.#prepare(graph);
      return await this.#own(shard);
    });
    const actor = this.#actorAt(spec.path, shard);
    const head = this.#heads.get(spec.path);
    if (head !== undefined && actor.commits === undefined) actor.hint(head);
    const child = new DurableChild({
      actor,
      spec,
      incarnation: { ...incarnation, term: Math.max(term, incarnation.term) },
      start,
      describe,
      limit: this.#limit,
      residency: this.#residency,
      ...(this.#options.passivateMs === undefined ? {} : { passivateMs: this.#options.passivateMs }),
    });
    const hasBegun = head !== undefined || actor.commits !== undefined;
    if (!hasBegun || actor.isToBeginAnew || describe === undefined) await child.start();
    // What the head says counts until its commit has been read, however often it is stopped before.
    if (head === undefined) this.#heads.set(spec.path, ALREADY);
    this.#children.set(spec.path, child);
    this.#between.delete(spec.path);
    void child.exited.then((reason) => {
      if (this.#children.get(spec.path) !== child) return;
      this.#children.delete(spec.path);
      if (reason.kind !== "normal") this.#between.set(spec.path, child);
    });
    if (actor.isWanted) child.wake();
    else if (!child.isAwake) this.#residency.asleep(child);
    return child;
  }

  /** Journals an intent, and gives it to its actor; nothing is taken otherwise. */
  accept(acceptance: Acceptance): void {
    const { intent, returnAddress, respond, taken } = acceptance;
    const child = this.#children.get(intent.target) ?? this.#between.get(intent.target);
    const journal = child === undefined ? undefined : this.#journals.get(child.actor.shard);
    if (this.#fence !== undefined) {
      taken(err(this.#fence));
      return;
    }
    if (child === undefined || journal === undefined) {
      taken(err(new CellError("ACTOR_NOT_RUNNING", undefined, { where: intent.target })));
      return;
    }
    const { actor } = child;
    if (actor.takesAgain({ intent, capsule: acceptance.capsule, respond }, returnAddress)) {
      taken(ok({ mailboxDepth: actor.backlog }));
      child.wake();
      return;
    }
    if (actor.backlog >= child.mailboxBound) {
      const options = { where: intent.target, retryAfterMs: FULL_RETRY_MS };
      taken(err(new CellError("ACTOR_MAILBOX_FULL", undefined, options)));
      return;
    }
    journalIntent(acceptance, actor, journal, (position, sequence) => {
      const { priority, deadlineUnixMs } = intent;
      const neededUntilUnixMs = neededUntil(deadlineUnixMs, Date.now());
      this.#trimmer.note({ actor, priority, position, sequence, neededUntilUnixMs });
      // It may be another one's by now, or nobody's for a moment: then the next one is woken by it.
      return () => this.#children.get(intent.target)?.wake();
    });
  }

  isDurable(path: string): boolean {
    return this.#children.has(path) || this.#between.has(path);
  }

  /** Nothing at this path or below it comes back by itself. */
  down(path: string): void {
    for (const each of [...this.#between.keys()]) {
      if (each === path || each.startsWith(`${path}/`)) this.#between.delete(each);
    }
  }

  child(path: string): DurableChild | undefined {
    return this.#children.get(path);
  }

  /**
   * The next start of a durable actor forgets what it was. Does nothing for any other.
   * @param by who asks for it; undefined: it is not to after all
   */
  beginAnew(path: string, by: string | undefined): void {
    const graph = this.#options.placed();
    const shard = graph.placed[path]?.shard;
    const spec = statedAt(graph, path);
    if (shard === undefined || spec?.kind !== "actor" || !spec.durable) return;
    this.#actorAt(path, shard).beginAnew(by);
  }

  /** Undefined: it is no durable actor of this node. Throws what the broker refuses. */
  async kept(path: string): Promise<KeptReport | undefined> {
    const actor = this.#actors.get(path);
    return actor === undefined ? undefined : await keptReport(this.#ports, actor);
  }

  /**
   * What durable actors of the graph in force hold; at a template's path, its children's. Throws
   * what the broker refuses.
   */
  async liveStates(paths: readonly string[]): Promise<readonly LiveState[]> {
    const asked = new Set(paths);
    const made = [...this.#children.keys()].filter((path) => asked.has(parentPath(path)));
    const here = (path: string) => this.#actors.get(path);
    return await liveStates(this.#ports, this.#options.placed(), [...paths, ...made], here);
  }

  get awake(): number {
    return this.#residency.size;
  }

  /** After the actors have been stopped. */
  stop(): void {
    this.#stopping.abort();
    clearTimeout(this.#firstSweep);
    clearInterval(this.#sweeping);
    this.#residency.stop();
  }

  /** Once; what fails is tried again with the next start. */
  async #prepare(graph: PlacedGraph): Promise<void> {
    this.#ready ??= this.#open(graph);
    const ready = this.#ready;
    try {
      await ready;
    } catch (error) {
      if (this.#ready === ready) this.#ready = undefined;
      throw error;
    }
  }

  /** Takes all shards at once that durable actors are in, while the heads of the commits are read. */
  async #open(graph: PlacedGraph): Promise<void> {
    const { journal, state, node } = this.#options;
    await journal.ensure();
    await state.ensure();
    const taking = Promise.all(
      [...durableShards(graph, node)].map((shard) => this.#limitTaking(() => this.#own(shard))),
    );
    // A shard that cannot be had is told to whoever starts an actor of it.
    taking.catch(() => undefined);
    for await (const head of state.heads(undefined, AbortSignal.timeout(SCAN_TIMEOUT_MS))) {
      const { path, pending, wakeAtUnixMs } = head;
      const meta = { pending, ...(wakeAtUnixMs === undefined ? {} : { wakeAtUnixMs }) };
      this.#heads.set(path, pending || wakeAtUnixMs !== undefined ? meta : ALREADY);
    }
    await taking.catch(() => undefined);
    const sweep = () => void this.#trimmer.sweep(Date.now());
    this.#firstSweep ??= setTimeout(sweep, FIRST_TRIM_MS).unref();
    this.#sweeping ??= setInterval(sweep, TRIM_MS).unref();
  }

  #own(shard: number): Promise<ShardJournal> {
    const known = this.#shards.get(shard);
    if (known !== undefined) return known;
    const taken = this.#take(shard);
    this.#shards.set(shard, taken);
    // The next start tries again.
    taken.catch(() => this.#shards.delete(shard));
    return taken;
  }

  async #take(shard: number): Promise<ShardJournal> {
    const { journal: stream, marks, term: least, isNodeKey, sealing, responder } = this.#options;
    const sealer = this.#sealer;
    const common = { stream, sealer, marks, nowUnixMs: Date.now, signal: this.#stopping.signal };
    const ports = { ...common, isNodeKey, genesisHash: sealing.genesisHash };
    const { term, head, entries, records } = await takeShard(ports, shard, least);
    if (entries.length === 0 && records > SPARE_RECORDS) this.#trimmer.noteEmpty(shard);
    const onFenced = () => this.#fenced(shard);
    const journal = new ShardJournal({ ...common, onFenced }, shard, term, head);
    for (const kept of entries) {
      const entry = recoveredIntent(kept, responder);
      const { target, priority, deadlineUnixMs } = entry.delivery.intent;
      const actor = this.#actorAt(target, shard);
      actor.recover(entry);
      const { position, sequence, acceptedUnixMs } = kept;
      const neededUntilUnixMs = neededUntil(deadlineUnixMs, acceptedUnixMs);
      this.#trimmer.note({ actor, priority, position, sequence, neededUntilUnixMs });
    }
    this.#journals.set(shard, journal);
    return journal;
  }

  #actorAt(path: string, shard: number): DurableActor {
    const known = this.#actors.get(path);
    if (known !== undefined) return known;
    const actor = new DurableActor(this.#ports, path, shard);
    this.#actors.set(path, actor);
    return actor;
  }

  #fenced(shard: number): void {
    const what = `shard ${shard} is owned by another process`;
    this.#fence = new CellError("ACTOR_FENCED", what);
    this.#options.onFenced(this.#fence);
  }
}

function durableShards(graph: PlacedGraph, node: string): ReadonlySet<number> {
  const shards = new Set<number>();
  for (const { path, durable } of actorsOf(graph)) {
    const placed = graph.placed[path];
    if (durable && placed?.node === node) shards.add(placed.shard);
  }
  return shards;
}

function shardOf(graph: PlacedGraph, path: string): number {
  const shard = graph.placed[path]?.shard;
  if (shard === undefined) throw new CellError("ACTOR_NOT_FOUND", "it is placed nowhere", { where: path });
  return shard;
}

const FULL_RETRY_MS = 50;
const ALREADY: CommitMeta = { pending: false };
