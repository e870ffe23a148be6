// One durable actor of this process, from its first start to the process's end: what was
// accepted for it and is not applied, where its commits stand, and the incarnation that
// is awake, if one is. Incarnations come and go; what is here stays.
import type { ActorHost } from "../../actors/actor-host.ts";
import type { ExitReason, Incarnation } from "../../actors/child.ts";
import { beginAnew } from "../../actors/durable/begin-anew.ts";
import { blankState } from "../../actors/durable/blank-state.ts";
import type { CommitMeta, DurablePorts, DurableState, OutboxEntry } from "../../actors/durable/ports.ts";
import type { Delivery, PriorityName } from "../../actors/intent.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { ActorSpec, Json } from "../../manifest/graph.ts";
import { ActorCommits, type CommitHead, type CommitPorts } from "./actor-commits.ts";
import { after, isUnexplained, type Resumption, type StartIncarnation } from "./awakening.ts";
import { CarriedReplies } from "./carried-replies.ts";
import { InheritedIntents } from "./inherited-intents.ts";
import { type Loaded, type LoadPorts, loadAnyway, loadState } from "./load-state.ts";
import { stateIn } from "./own-commits.ts";
import type { CommitRecord } from "./records.ts";
import { isApplied, type Unapplied, UnappliedIntents } from "./unapplied.ts";

export type DurableActorPorts = CommitPorts &
  LoadPorts & {
    /** Hands an intent to the host that is awake, with all that is done around it. */
    readonly toHost: (delivery: Delivery, host: ActorHost) => Result<unknown, CellError>;
    readonly relay: (
      actor: DurableActor,
      entry: OutboxEntry,
      done: () => void,
      onReply: Parameters<DurablePorts["relay"]>[2],
    ) => void;
    /** @param index of the first reply that will be given */
    readonly responder: (returnAddress: Json, index: number) => Delivery["respond"];
    /** It was begun anew, and what its commits before held is gone on from no more. */
    readonly onBegunAnew: (actor: DurableActor, by: string, before: CommitHead) => void;
    /** What becomes of the journal's record that holds a place; undefined: it is there. */
    readonly journaled: (shard: number, position: number) => Promise<Result<void, CellError>> | undefined;
    /** A commit is kept. */
    readonly onCommitted: (actor: DurableActor, state: DurableState, meta: CommitMeta) => void;
  };

export class DurableActor {
  readonly path: string;
  readonly shard: number;
  readonly unapplied = new UnappliedIntents();
  readonly #inherited: InheritedIntents;
  readonly #ports: DurableActorPorts;
  readonly #carried = new CarriedReplies();
  #commits: ActorCommits | undefined;
  #meta: CommitMeta = { pending: false };
  /** What the newest commit has applied, and the one before it. */
  #applied: DurableState["applied"] | undefined;
  #appliedBefore: DurableState["applied"] | undefined;
  /** Number of the commit that all of this speaks of. */
  #noted = 0;
  /** How the last incarnation of this process ended. */
  #endedAs: ExitReason | undefined;
  /** Being written to the journal, without a place in it. */
  #journaling = 0;
  /** The highest place that was given before its record was kept, and who may begin with what has one. */
  #placed = 0;
  #early: ActorHost | undefined;
  #awake: { readonly host: ActorHost; lastUsedMs: number } | undefined;
  /** Ends the ports of the incarnation before. */
  #dismiss: () => void = () => {};
  #awakening: Promise<unknown> = Promise.resolve();
  #incarnation: Incarnation | undefined;
  /** Term that the newest commit was written in. */
  #term = 0;
  /** Who has asked that its next awakening begins it anew. */
  #anewBy: string | undefined;
  #lastState = "";

  constructor(ports: DurableActorPorts, path: string, shard: number) {
    this.#ports = ports;
    this.path = path;
    this.shard = shard;
    this.#inherited = new InheritedIntents(path);
  }

  get host(): ActorHost | undefined {
    return this.#awake?.host;
  }

  get incarnation(): Incarnation | undefined {
    return this.#incarnation;
  }

  /** State of its machine when it was last awake in this process; empty: not known. */
  get lastState(): string {
    return this.#lastState;
  }

  get isToBeginAnew(): boolean {
    return this.#anewBy !== undefined;
  }

  /** The next awakening forgets what it was. @param by undefined: it is not to after all */
  beginAnew(by: string | undefined): void {
    this.#anewBy = by;
  }

  get lastUsedMs(): number {
    return this.#awake?.lastUsedMs ?? 0;
  }

  get meta(): CommitMeta {
    return this.#meta;
  }

  /** From the head of a commit that has not been read. */
  hint(meta: CommitMeta): void {
    this.#meta = meta;
  }

  /** Accepted and not applied, or on its way into the journal. */
  get backlog(): number {
    return this.unapplied.size + this.#journaling;
  }

  /** Whether something waits for it to be awake. */
  get isWanted(): boolean {
    return this.unapplied.size > 0 || this.#inherited.waiting > 0 || this.#meta.pending;
  }

  get commits(): ActorCommits | undefined {
    return this.#commits;
  }

  get applied(): DurableState["applied"] | undefined {
    return this.#applied;
  }

  /** Whether neither the newest commit nor the one before it would need this entry of the journal. */
  covers(priority: PriorityName, position: number): "both" | "newest" | "no" {
    if (this.#applied === undefined || !isApplied(this.#applied, priority, position)) return "no";
    const before = this.#appliedBefore;
    return before !== undefined && isApplied(before, priority, position) ? "both" : "newest";
  }

  /** Writes the newest commit once more, when the one before it says less. */
  async repeat(spec: Pick<ActorSpec, "onCorruption">): Promise<void> {
    const incarnation = this.#incarnation;
    const applied = this.#applied;
    const commits = this.#commits;
    if (incarnation === undefined || commits === undefined) return;
    const { head } = commits;
    const read = async () => (await loadState(this.#ports, this, spec.onCorruption ?? "previous")).record;
    const repeated = await commits.repeat(read, { incarnation, meta: this.#meta });
    if (!repeated.ok) throw repeated.error;
    if (commits !== this.#commits || commits.head.number !== head.number + 1) return;
    this.#appliedBefore = applied;
    this.#noted = commits.head.number;
  }

  beginJournaling(): void {
    this.#journaling += 1;
  }

  /** It is not in the journal. */
  endJournaling(): void {
    this.#journaling -= 1;
  }

  /**
   * It has its place in the journal, though its record may still be on its way: who is awake begins
   * with it, and commits what comes of it; nobody hears of that before `kept`.
   */
  place(entry: Unapplied): void {
    this.#journaling -= 1;
    this.unapplied.add(entry);
    if (entry.isKept) this.pump();
    else if (this.#awake !== undefined) {
      this.#early = this.#awake.host;
      this.#placed = entry.position;
      this.pump();
    }
  }

  /** It is in the journal: every incarnation is given it until it is applied. */
  kept(entry: Unapplied): void {
    entry.isKept = true;
    if (this.unapplied.ungiven > 0) this.pump();
  }

  /** The actor is in the graph no more, and what waited for it leaves the journal: its sender hears so. */
  abandon(position: number): void {
    const entry = this.unapplied.at(position);
    if (entry === undefined) return;
    this.unapplied.remove(entry);
    const what = "the actor was removed before it came to this intent";
    const error = new CellError("ACTOR_NOT_FOUND", what, { where: this.path });
    entry.delivery.respond({ kind: "error", error, begun: false });
  }

  /** An entry of the journal that was found at the start. */
  recover(entry: Unapplied): void {
    this.#inherited.add(entry);
    this.unapplied.add(entry);
  }

  /**
   * An intent that may be in the journal by an earlier process's hand: whoever sent it asks
   * again. True: it is, and its sender is answered by what becomes or became of it there.
   */
  takesAgain(delivery: Delivery, returnAddress: Json): boolean {
    const isTaken = this.#inherited.takes(delivery, returnAddress);
    if (isTaken) this.pump();
    return isTaken;
  }

  /** Reads the newest good commit, and settles by it what of the journal is still to be done. */
  async load(spec: Pick<ActorSpec, "onCorruption">): Promise<Loaded> {
    await this.#commits?.settled();
    const found = this.#commits?.takeFound();
    const ports = { ...this.#ports, onDamaged: tellsSoon(this.#ports.onDamaged) };
    const loaded = this.isToBeginAnew
      ? await loadAnyway(ports, this, found)
      : await loadState(ports, this, spec.onCorruption ?? "previous", found);
    this.#commits = new ActorCommits(this.#ports, this, loaded.head);
    if (loaded.record !== undefined) {
      this.#takeRecord(loaded.record);
      // It may have come after the heads were read.
      this.#meta = loaded.meta ?? this.#meta;
      const before = loaded.history.findLast(({ number }) => number < (loaded.record?.number ?? 0));
      this.#appliedBefore = before?.state.applied;
    }
    return loaded;
  }

  /** One after the other: the one before has ended by then. @param incarnation of a term in which this process owns the shard */
  awaken(spec: ActorSpec, incarnation: Incarnation, start: StartIncarnation): Promise<ActorHost> {
    const awoken = this.#awakening.then(() => this.#awaken(spec, incarnation, start));
    this.#awakening = awoken.catch(() => undefined);
    return awoken;
  }

  async #awaken(spec: ActorSpec, given: Incarnation, start: StartIncarnation): Promise<ActorHost> {
    await this.#awake?.host.exited;
    this.#dismiss();
    const unkept = await this.#commits?.settled();
    if (unkept !== undefined) throw unkept;
    const incarnation = after(this.#incarnation, given);
    const resumption = (await this.#remembered(incarnation)) ?? (await this.#read(spec, incarnation));
    this.#incarnation = incarnation;
    const durable = this.#portsFor(incarnation);
    try {
      const begun = start({ ...resumption, incarnation, durable });
      return this.#adopt(begun instanceof Promise ? await begun : begun);
    } catch (error) {
      // What cannot be gone on from is read before it is tried again.
      this.#ports.own.drop(this.path);
      throw error;
    }
  }

  /** Within the turn that it is up in it is given what waits, so that this goes into its first commit. */
  #adopt(host: ActorHost): ActorHost {
    this.#awake = { host, lastUsedMs: performance.now() };
    this.unapplied.restart();
    void host.exited.then((reason) => {
      if (this.#awake?.host !== host) return;
      this.#endedAs = reason;
      this.#lastState = host.stats().state;
      this.#awake = undefined;
      this.#dismiss();
    });
    this.pump();
    return host;
  }

  /** Gives the host what it has not been given, as far as it takes it. */
  pump(): void {
    this.#giveUnapplied();
    if (this.#awake === undefined || this.unapplied.ungiven > 0) return;
    const { host } = this.#awake;
    for (const delivery of this.#inherited.takeAgain()) {
      const taken = this.#ports.toHost(delivery, host);
      if (!taken.ok) delivery.respond({ kind: "error", error: taken.error, begun: false });
    }
  }

  #giveUnapplied(): void {
    for (let entry = this.unapplied.next(); entry !== undefined; entry = this.unapplied.next()) {
      if (this.#awake === undefined || (!entry.isKept && this.#early !== this.#awake.host)) return;
      this.#awake.lastUsedMs = performance.now();
      this.unapplied.give();
      const taken = this.#ports.toHost(entry.delivery, this.#awake.host);
      if (taken.ok) continue;
      if (!entry.isKept) {
        // What is refused is refused once it is in the journal.
        this.#early = undefined;
        this.unapplied.takeBack(entry);
        return;
      }
      if (isPassing(taken.error)) {
        this.unapplied.restart();
        return;
      }
      // It will never be begun: its sender hears so, and nobody asks again.
      this.unapplied.remove(entry);
      entry.delivery.respond({ kind: "error", error: taken.error, begun: false });
    }
  }

  /**
   * What this process committed last, when it is known to be kept. Nobody of an earlier
   * incarnation can commit: those of this process have ended, and any other's commit would
   * make this one's next be refused, before it performs anything that follows from it.
   */
  async #remembered({ term }: Incarnation): Promise<Resumption | undefined> {
    const commits = this.#commits;
    await commits?.settled();
    const own = this.#ports.own.get(this.path);
    if (commits === undefined || own === undefined || this.isToBeginAnew) return undefined;
    const { number } = commits.head;
    if (own.number !== number || this.#noted !== number || own.incarnation.term !== term) return undefined;
    const isCleared = this.#endedAs !== undefined && !isUnexplained(this.#endedAs);
    return { ...this.#goOn(stateIn(own)), isCleared };
  }

  /** From a commit of this process: whoever was answered before it has the answer, and asks again at most. */
  #goOn(state: DurableState): Resumption {
    const { newest, before } = this.#carried.left();
    return { state: { ...state, replies: newest }, answered: before, isOwn: true };
  }

  /** The same from the stream; from then on nobody of an earlier incarnation can commit. */
  async #read(spec: ActorSpec, incarnation: Incarnation): Promise<Resumption> {
    for (let attempt = 0; ; attempt += 1) {
      const loaded = await this.load(spec);
      const { record } = loaded;
      if (
        !this.isToBeginAnew &&
        record?.incarnation.term === incarnation.term &&
        record.number === this.#noted
      ) {
        this.#incarnation = incarnation;
        return this.#goOn(record.state);
      }
      this.#carried.take(
        loaded.history.map(({ state }) => state),
        Date.now(),
      );
      this.#incarnation = incarnation;
      const state = await this.#stateFor(loaded, incarnation);
      if (state !== OVERTAKEN) return { state };
      if (attempt === MAX_CLAIMS) {
        throw new CellError("STATE_DRIFTED", "others commit for it again and again", { where: this.path });
      }
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, CLAIM_PAUSE_MS));
    }
  }

  /** It sleeps: nothing of what it was stays in memory but where it stands. */
  forgetState(): void {
    this.#ports.own.drop(this.path);
    this.#carried.forget();
  }

  async #stateFor(
    { record, head, isLost }: Loaded,
    incarnation: Incarnation,
  ): Promise<DurableState | undefined | typeof OVERTAKEN> {
    if (this.#anewBy !== undefined) return await this.#commitAnew(this.#anewBy, record, incarnation);
    if (record !== undefined && record.incarnation.term > incarnation.term) throw this.#succeeded();
    if (isLost === true) return blankState(head.number);
    if (record === undefined) return undefined;
    if (record.incarnation.term !== incarnation.term && !(await this.#claim(record, incarnation)))
      return OVERTAKEN;
    return { ...record.state, replies: this.#carried.before([]) };
  }

  /** A process of a later term has committed: this one owns the shard no more, and takes nothing back. */
  #succeeded(): CellError {
    this.#ports.onFenced(this.shard);
    return new CellError("ACTOR_FENCED", "a process of a later term owns it", { where: this.path });
  }

  async #commitAnew(
    by: string,
    record: CommitRecord | undefined,
    incarnation: Incarnation,
  ): Promise<DurableState | undefined> {
    const commits = this.#commits;
    const { state, owed } = beginAnew(record?.state, commits?.head.number ?? 0);
    if (commits === undefined || commits.head.number === 0) {
      this.#anewBy = undefined;
      return undefined;
    }
    const before = commits.head;
    const meta = { pending: state.outbox.length > 0 };
    const committed = await commits.commit(state, { incarnation, meta });
    if (!committed.ok) throw committed.error;
    this.#anewBy = undefined;
    this.#meta = meta;
    this.#applied = state.applied;
    this.#appliedBefore = undefined;
    this.#term = incarnation.term;
    this.#ports.onBegunAnew(this, by, before);
    const error = new CellError("ACTOR_NOT_RUNNING", "it was begun anew by hand", { where: this.path });
    for (const { returnAddress, replies } of owed) {
      this.#ports.responder(returnAddress, replies)({ kind: "error", error });
    }
    return { ...state, replies: this.#carried.before([]) };
  }

  /**
   * The same state in a new incarnation: from now on nobody of an earlier one can commit. False:
   * somebody has committed since it was read, such as the owner before with what it had under way.
   */
  async #claim(record: CommitRecord, incarnation: Incarnation): Promise<boolean> {
    const options = { incarnation, meta: this.#meta, repeated: true, claims: true };
    const claimed = await this.#commits?.commit(record.state, options);
    if (claimed?.ok === false && claimed.error.code === "BROKER_STREAM_CONFLICT") return false;
    if (claimed?.ok === false) throw claimed.error;
    this.#term = incarnation.term;
    this.#appliedBefore = this.#applied;
    return true;
  }

  #takeRecord({ state, incarnation }: CommitRecord): void {
    this.#applied = state.applied;
    this.#appliedBefore = undefined;
    this.#term = incarnation.term;
    this.unapplied.applied(state.applied);
  }

  #portsFor(incarnation: Incarnation): DurablePorts {
    let dismissed = false;
    this.#dismiss = () => {
      dismissed = true;
    };
    const { relay, responder, onCommitted } = this.#ports;
    return {
      commit: async (state, meta, text) => {
        const commits = this.#commits;
        if (dismissed || commits === undefined) {
          return err(new CellError("ACTOR_FENCED", "a later incarnation has begun", { where: this.path }));
        }
        const replies = this.#carried.before(state.replies);
        const isSame = replies === state.replies;
        // Whatever it applies has its place by now; what gets one later is no matter of this commit.
        const journaled = this.#ports.journaled(this.shard, this.#placed);
        // The one before it is now what was newest, for who asks what of the journal is needed still.
        const landed = () => {
          this.#appliedBefore = this.#applied;
        };
        const options = { incarnation, meta, journaled, landed, text: isSame ? text : undefined };
        const kept = await commits.commit(isSame ? state : { ...state, replies }, options);
        if (!kept.ok) return kept;
        this.#committed(state, meta, commits.head.number);
        onCommitted(this, state, meta);
        return dismissed
          ? err(new CellError("ACTOR_FENCED", undefined, { where: this.path }))
          : ok(undefined);
      },
      performed: () => {
        if (!dismissed) this.#carried.given();
      },
      relay: (entry, done, onReply) => relay(this, entry, done, onReply),
      responder,
    };
  }

  #committed(state: DurableState, meta: CommitMeta, number: number): void {
    this.#meta = meta;
    this.#noted = number;
    this.#carried.note(state.replies);
    this.#appliedBefore = this.#applied;
    this.#applied = state.applied;
    const full = this.unapplied.ungiven > 0;
    this.unapplied.applied(state.applied);
    if (full) queueMicrotask(() => this.pump());
  }
}

/** Telling it takes as long as starting the actor, which comes first. */
const tellsSoon =
  <T extends readonly unknown[]>(tell: (...parts: T) => void) =>
  (...parts: T): void =>
    void setTimeout(() => tell(...parts), TELL_AFTER_MS);
const TELL_AFTER_MS = 5;

/** Somebody committed between reading and claiming. */
const OVERTAKEN = Symbol("overtaken");
/**
 * An owner that was succeeded accepts nothing more, but commits until it has come to the end of
 * what it had accepted. One of a later term is told by its commits.
 */
const MAX_CLAIMS = 100;
const CLAIM_PAUSE_MS = 20;

/** What the host may take later: it is full, or going. */
const isPassing = ({ code }: CellError): boolean =>
  code === "ACTOR_MAILBOX_FULL" || code === "ACTOR_NOT_RUNNING";
