// The stage of a durable actor: what its host decides waits here for its commit.
import { InFlightSet } from "../../collections/in-flight.ts";
import { CellError } from "../../errors/cell-error.ts";
import type { Json } from "../../manifest/graph.ts";
import { intentRef } from "../actor-failure.ts";
import type { Failure } from "../child.ts";
import type { Delivery, OutgoingIntent, ReceivedIntent } from "../intent.ts";
import { copyAsJson } from "../plain-json.ts";
import type { ActorClock } from "../ports.ts";
import type { Stage, WorkKind } from "../stage.ts";
import type { Staged } from "../staged-host.ts";
import type { TurnScheduler } from "../turn.ts";
import type { AppliedPositions, Sources } from "./applied-positions.ts";
import { type Batch, newStep, type StepParts, type Work } from "./batch.ts";
import { classOfRefusal } from "./class-of-refusal.ts";
import { CommitLoop } from "./commit-loop.ts";
import { type HostState, IntentTable } from "./host-state.ts";
import { BUSY_OUTBOX, type Outbox } from "./outbox.ts";
import type { CommitMeta, DurablePorts, DurableState, StoredReply } from "./ports.ts";
import type { Routes } from "./routes.ts";

/** UTF-8 bytes of one commit, by default. */
export const MAX_STATE_BYTES = 512 * 1024;

export type DurableStageOptions = {
  readonly path: string;
  readonly codeHash: string;
  readonly version: string | number | undefined;
  /** The machine begins anew with each incarnation. */
  readonly fresh: boolean;
  readonly maxStateBytes: number;
  readonly isCleared: boolean;
  readonly ports: DurablePorts;
  readonly clock: ActorClock;
  readonly turns: TurnScheduler;
  readonly applied: AppliedPositions;
  readonly sources: Sources;
  readonly outbox: Outbox;
  readonly routes: Routes;
};

export class DurableStage implements Stage {
  readonly keeps = true;
  readonly #options: DurableStageOptions;
  readonly #host: Staged;
  readonly #loop: CommitLoop;
  #step: StepParts | undefined;
  /** Intents whose step threw: they were begun, and are not applied. */
  readonly #undone = new InFlightSet<string>();
  #ended = false;

  constructor(options: DurableStageOptions, host: Staged) {
    this.#options = options;
    this.#host = host;
    host.outgoing.onEnd = (sequence) => options.outbox.drop(Number(sequence));
    this.#loop = new CommitLoop({
      ...options,
      build: (batch) => this.#build(batch),
      perform: (work) => this.#perform(work),
      unkeepable: (error, batch) => this.#failed(asUnkeepable(error, options.path), "crash", batch),
      refused: (error, batch) => this.#failed(error, classOfRefusal(error), batch),
      committed: () => host.wake(),
    });
  }

  get host(): Staged {
    return this.#host;
  }

  get isOpen(): boolean {
    return this.#loop.hasRoom && this.#options.outbox.size < BUSY_OUTBOX;
  }

  /** Whether it stands still for the broker's or its targets' sake, and since when it does no more. */
  get standing(): { readonly isHeld: boolean; readonly untilMs: number } {
    const { isFlying, landedAtMs } = this.#loop;
    return { isHeld: isFlying || this.#options.outbox.size >= BUSY_OUTBOX, untilMs: landedAtMs };
  }

  begin(event: StepParts["event"]): void {
    this.#step = newStep(event);
  }

  /** What has begun is no step: it goes on from what was committed. */
  restores(): void {
    this.#step = undefined;
  }

  decided(): void {
    const step = this.#step;
    this.#step = undefined;
    if (step === undefined || this.#ended) return;
    for (const delivery of step.settled) this.#settle(delivery);
    this.#loop.open.add(step);
    this.#loop.touch();
  }

  discard(): void {
    for (const { sequence } of this.#step?.entries ?? []) this.#options.outbox.drop(sequence);
    for (const { intent } of this.#step?.settled ?? []) this.#undone.add(intent.id);
    this.#step = undefined;
  }

  perform(run: () => void, intent: ReceivedIntent | undefined, kind: WorkKind = "effect"): void {
    if (this.#ended) return;
    if (kind === "own" && this.#step !== undefined && this.#loop.open.redo === undefined) {
      const { driver } = this.#host;
      this.#step.redo = { from: driver.hasStarted ? driver.persist() : undefined };
    }
    this.#add({ run, intent, guarded: true });
  }

  note(run: () => void): void {
    if (this.#ended) return;
    const work = { run, intent: undefined, guarded: false };
    if (this.#step === undefined) this.#loop.note(work);
    else this.#step.works.push(work);
  }

  settled(delivery: Delivery): void {
    if (this.#step === undefined) {
      this.#settle(delivery);
      this.#loop.touch();
    } else this.#step.settled.push(delivery);
  }

  touched(): void {
    if (!this.#ended) this.#loop.touch();
  }

  close(end: () => void): void {
    this.#loop.close(end);
  }

  ended(): void {
    this.#ended = true;
    this.#loop.stop();
  }

  /** An intent that was taken before has come a second time under another position. */
  consume({ intent, journaled }: Delivery): void {
    if (journaled === undefined) return;
    this.#options.applied.settle(intent.priority, journaled.position);
    this.#loop.touch();
  }

  /** An answer, given after its commit. */
  answer(reply: StoredReply | undefined, run: () => void, prepare?: () => void): void {
    if (this.#ended) return;
    if (reply !== undefined) this.#step?.replies.push(reply) ?? this.#loop.open.reply(reply);
    this.#add({ run, intent: undefined, guarded: false, ...(prepare === undefined ? {} : { prepare }) });
  }

  /** An intent of the actor leaves with this commit. Returns its sequence. */
  send(outgoing: OutgoingIntent): number {
    const { outbox, clock } = this.#options;
    const entry = outbox.put(outgoing, clock.unixMs());
    this.#step?.entries.push(entry);
    this.#add({ run: () => outbox.relay(entry), intent: undefined, guarded: false });
    return entry.sequence;
  }

  /** What was performed has made the kept state old; there is no hurry to say so. */
  tidy(): void {
    this.#loop.tidy();
  }

  /** Commits soon, though nothing was decided. */
  touch(): void {
    this.#loop.touch();
  }

  #add(work: Work): void {
    if (this.#step !== undefined) {
      this.#step.works.push(work);
      return;
    }
    this.#loop.open.works.push(work);
    this.#loop.touch();
  }

  #settle({ intent, journaled }: Delivery): void {
    const { applied, sources, routes } = this.#options;
    routes.begun(intent.id);
    if (journaled === undefined) return;
    applied.settle(intent.priority, journaled.position);
    if (journaled.sourceSequence !== undefined) {
      sources.settle(intent.source, intent.priority, journaled.sourceSequence);
    }
  }

  #perform({ run, intent, guarded }: Work): void {
    if (guarded) {
      this.#host.guarded(intent, run);
      return;
    }
    try {
      run();
    } catch (error) {
      this.#host.fail(error, "kernel");
    }
  }

  #failed(error: CellError, kind: "crash" | "drift" | "loss", batch: Batch): void {
    const { path } = this.#options;
    const failure: Failure = {
      class: kind,
      name: error.code,
      message: error.message.slice(0, 4_096),
      origin: "kernel",
      rootActor: path,
    };
    // Of several nobody knows which it was; the next incarnation commits them one by one.
    const { intent } = batch;
    if (kind !== "crash" || batch.steps !== 1 || intent === undefined) {
      this.#host.end({ kind: "failed", failure });
    } else this.#host.killedBy(intent, { ...failure, intent: intentRef(intent) });
  }

  #build(batch: Batch): { state: DurableState; meta: CommitMeta; text: string } {
    const { path, codeHash, maxStateBytes, applied, sources, outbox } = this.#options;
    const { host, meta } = this.#hostState(batch);
    const state: DurableState = {
      format: 1,
      codeHash,
      host,
      applied: applied.applied(),
      sources: sources.decided(),
      outboxSequence: outbox.sequence,
      outbox: outbox.entries(),
      replies: batch.replies,
    };
    const text = JSON.stringify(state);
    const bytes = Buffer.byteLength(text);
    if (bytes > maxStateBytes) {
      const what = `its state of ${bytes} bytes is beyond ${maxStateBytes}`;
      throw new CellError("ACTOR_STATE_TOO_LARGE", what, { where: path });
    }
    return { state, meta, text };
  }

  #hostState(batch: Batch): { host: Json; meta: CommitMeta } {
    const { fresh, version = null, routes, applied, outbox } = this.#options;
    const { driver, intake, outgoing } = this.#host;
    const table = new IntentTable();
    const isOver = fresh || driver.snapshot.status === "done";
    const ties = driver.ties();
    const kept = isOver ? NOTHING : ties;
    batch.sends = ties.sends.length;
    const requests = isOver ? [] : outgoing.open();
    const begun = intake.begun().filter(({ delivery }) => !this.#undone.has(delivery.intent.id));
    const owed = routes.owed(begun, table, fresh);
    const waiting = isOver ? [] : this.#host.waiting().filter(({ event }) => this.#isLoose(event));
    const rest: Omit<HostState, "machine"> = {
      version,
      intents: table.all,
      causes: {
        timers: kept.timers.map((intent) => (intent === undefined ? null : table.ref(intent))),
        children: Object.fromEntries(kept.children.map(([id, intent]) => [id, table.ref(intent)])),
      },
      owed,
      requests: requests.map(([request, intent]) => ({ ...request, ...table.cause(intent) })),
      events: waiting.map(({ event, intent }) => ({ event, ...table.cause(intent) })),
      sends: kept.sends.map(({ to, event, intent }) => ({ to: to.id, event, ...table.cause(intent) })),
      ahead: applied.ahead(),
      ...redoOf(batch),
    };
    const dues = [
      ...(kept.nextTimerUnixMs === undefined ? [] : [kept.nextTimerUnixMs]),
      ...requests.map(([{ deadlineUnixMs }]) => deadlineUnixMs),
      ...begun.map(({ delivery }) => delivery.intent.deadlineUnixMs),
    ];
    const pending =
      outbox.size > 0 || kept.live || kept.sends.length + waiting.length > 0 || batch.redo !== undefined;
    // Copies that are checked to be plain JSON; the machine's is one already.
    const machine = isOver ? null : driver.persist();
    const host = { machine, ...Object(copyAsJson(rest)) } as Json;
    return {
      host,
      meta: dues.length === 0 ? { pending } : { pending, wakeAtUnixMs: Math.ceil(Math.min(...dues)) },
    };
  }

  /** Whether nothing else that is kept would bring this waiting event about again. */
  #isLoose(event: NonNullable<StepParts["event"]>): boolean {
    return !this.#host.driver.remembers(event) && !this.#host.outgoing.remembers(event);
  }
}

/** Events that JSON does not hold cannot be decided again: their actions run once at most. */
function redoOf({ redo }: Batch): Pick<HostState, "redo"> {
  if (redo === undefined) return {};
  try {
    copyAsJson(redo.events);
    return { redo };
  } catch {
    return {};
  }
}

const NOTHING = { timers: [], children: [], sends: [], live: false, nextTimerUnixMs: undefined } as const;

function asUnkeepable(error: unknown, where: string): CellError {
  if (error instanceof CellError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new CellError("ACTOR_SNAPSHOT_UNSUPPORTED", why, { where, cause: error });
}
