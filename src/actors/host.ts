// Runs one actor: takes intents from its mailbox, drives its machine, performs
// what the machine asks for, and turns whatever is thrown anywhere into one
// exit. Nothing that a behaviour does ends the process or goes unanswered.
import type { AnyEventObject } from "xstate";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ActorSpec } from "../manifest/graph.ts";
import type { EventInput } from "../telemetry/event.ts";
import { acceptedIntents } from "./accepted-intents.ts";
import { runInActor } from "./actor-context.ts";
import { actorFailure, crashedError, intentRef } from "./actor-failure.ts";
import type { ActorDescription, ActorHost, ActorSnapshot, ActorStats } from "./actor-host.ts";
import type { Behaviour } from "./behaviour.ts";
import type { ExitReason, Failure, Incarnation } from "./child.ts";
import { Departure } from "./departure.ts";
import { describeActor } from "./describe.ts";
import { heldKiller } from "./durable/held-event.ts";
import { type EffectHandlers, readEffect } from "./effect-handlers.ts";
import {
  finishedRecord,
  loggedRecord,
  refusedRecord,
  repliedRecord,
  startedRecord,
  transitionedRecord,
} from "./host-records.ts";
import { withMark } from "./in-hand.ts";
import { Intake } from "./intake.ts";
import type { Delivery, IntentRef, ReceivedIntent } from "./intent.ts";
import { MachineDriver, type Step } from "./machine-driver.ts";
import type { Accepted } from "./open-requests.ts";
import { lostRequestEvent, OutgoingRequests } from "./outgoing-requests.ts";
import type { ActorPorts } from "./ports.ts";
import type { Progress } from "./progress.ts";
import { readSnapshot, unsupportedSnapshot } from "./snapshot.ts";
import { causesOf, resumptionOf } from "./snapshot-causes.ts";
import { immediately, type Stage } from "./stage.ts";
import type { Queued, Staged } from "./staged-host.ts";
import type { StartActorOptions } from "./start-options.ts";
import { stateName } from "./state-name.ts";
import { countedFor, type Leftovers } from "./succession.ts";
import { processTurns } from "./turn.ts";

/** Intents and events that one actor handles before others have their turn. */
const ITEMS_A_TURN = 8;
/** Events waiting inside one actor; more come only from a machine that feeds itself. */
const MAX_EVENTS = 10_000;

/**
 * Starts an actor; resolves when its initial state is entered.
 * @throws CellError ACTOR_START_FAILED (details.failure: a Failure), ACTOR_SNAPSHOT_INVALID,
 *   ACTOR_INTENT_SCHEMA_INVALID, ACTOR_ISOLATION_UNSUPPORTED, ACTOR_DURABLE_UNSUPPORTED
 */
export async function startActor(options: StartActorOptions): Promise<ActorHost> {
  return startActorNow(options);
}

/** The same in one turn. */
export function startActorNow(options: StartActorOptions): ActorHost {
  const { spec } = options;
  if (spec.isolation !== "shared") {
    throw new CellError(
      "ACTOR_ISOLATION_UNSUPPORTED",
      `isolation ${spec.isolation} is not its own to provide`,
      {
        where: spec.path,
      },
    );
  }
  if (spec.durable) throw new CellError("ACTOR_DURABLE_UNSUPPORTED", undefined, { where: spec.path });
  const host = new Host(options, () => immediately);
  host.start(options);
  return host;
}

/** What a start fails with for the sake of the state that it is to go on from. */
const OF_THE_STATE: ReadonlySet<string> = new Set([
  "ACTOR_SNAPSHOT_INVALID",
  "ACTOR_MIGRATION_MISSING",
  "ACTOR_MIGRATION_FAILED",
]);

type Failed = { readonly error: unknown; readonly failure: Failure };
type Site = Pick<Failure, "origin"> & {
  readonly event?: string;
  readonly intent?: IntentRef | undefined;
  readonly held?: string | undefined;
};

/** One incarnation of an actor; when what it decides comes about is its stage's. */
export class Host implements ActorHost {
  readonly path: string;
  readonly incarnation: Incarnation;
  readonly exited: Promise<ExitReason>;
  readonly #spec: ActorSpec;
  readonly #behaviour: Behaviour;
  readonly #ports: ActorPorts;
  readonly #driver: MachineDriver;
  readonly #intake: Intake;
  readonly #outgoing: OutgoingRequests;
  readonly #effects: EffectHandlers;
  readonly #stage: Stage;
  /** Absent when nobody takes over, and of what outlives the incarnation by itself. */
  readonly #departure: Departure | undefined;
  readonly #startedAtUnixMs: number;
  readonly #resolveExit: (reason: ExitReason) => void;
  #events: Queued[] = [];
  /** Why it decides nothing more. */
  #leaving: ExitReason | undefined;
  #ended: ExitReason | undefined;
  #stopping: (() => void) | undefined;
  #scheduled = false;
  #kept: ActorSnapshot | undefined;
  #steppedAtMs = 0;
  #handled = 0;
  #refused = 0;

  constructor(
    { spec, behaviour, incarnation, ports }: Omit<StartActorOptions, "snapshot">,
    stageOf: (host: Staged) => Stage,
  ) {
    this.path = spec.path;
    this.incarnation = incarnation;
    this.#spec = spec;
    this.#behaviour = behaviour;
    this.#ports = ports;
    this.#startedAtUnixMs = ports.clock.unixMs();
    const { promise, resolve } = Promise.withResolvers<ExitReason>();
    this.exited = promise;
    this.#resolveExit = resolve;
    this.#intake = new Intake(spec, acceptedIntents(spec, behaviour.intents), ports.clock, {
      replied: (accepted, final) => this.#record(repliedRecord(accepted, final), accepted.delivery.intent),
      finished: (accepted, error) => this.#finished(accepted, error),
      refused: (accepted, error) => {
        this.#refused += 1;
        this.#stage.settled(accepted.delivery);
        this.#record(refusedRecord(accepted, error), accepted.delivery.intent);
      },
    });
    const staged = () => this.#stage;
    this.#driver = new MachineDriver({
      machine: behaviour.machine,
      path: spec.path,
      ports,
      stage: staged,
      received: (event, intent) => this.#enqueue(event, intent),
      logged: (message) => this.#log("info", message, undefined),
    });
    this.#outgoing = new OutgoingRequests(ports, (event, intent) => this.#enqueue(event, intent));
    this.#effects = {
      intake: this.#intake,
      outgoing: this.#outgoing,
      send: (intent) => ports.send(intent),
      later: (effect, later, intent) => this.#driver.delay(effect, later, intent),
      log: (level, message, intent) => this.#log(level, message, intent),
    };
    this.#stage = stageOf({
      path: spec.path,
      driver: this.#driver,
      intake: this.#intake,
      outgoing: this.#outgoing,
      waiting: () => this.#events,
      inherit: (events) => this.#events.unshift(...events),
      log: (level, message, intent) => this.#log(level, message, intent),
      wake: () => this.#wake(),
      guarded: (intent, work) => void this.#guarded({ origin: "transition", intent }, intent, work),
      fail: (error, origin, intent) => void this.#fail(error, { origin, intent }),
      end: (reason) => this.#end(reason),
      killedBy: (intent, failure) => this.#end({ kind: "failed", failure: this.#counted(failure, intent) }),
    });
    const { succession } = ports;
    this.#departure = succession && !this.#stage.keeps ? new Departure(succession) : undefined;
  }

  /**
   * Enters the initial state, or goes on from the snapshot.
   * @param restore in its place
   * @throws CellError; nothing is left running then
   */
  start(options: StartActorOptions, restore?: () => void): void {
    const { snapshot, input = options.spec.input } = options;
    options.onSnapshot?.(() => this.#driver.snapshot);
    const enter = () => this.#enter(this.#driver.initial(input), undefined, "xstate.init");
    const begin = restore ?? (snapshot === undefined ? enter : () => this.#restore(snapshot));
    const failed = this.#step({ origin: "start" }, undefined, undefined, begin);
    if (failed === undefined) {
      if (options.leftovers !== undefined) this.#inherit(options.leftovers, snapshot !== undefined);
      return;
    }
    const { error, failure } = failed;
    if (error instanceof CellError && OF_THE_STATE.has(error.code)) throw error;
    throw new CellError(
      "ACTOR_START_FAILED",
      `${this.path} did not start: ${failure.name}: ${failure.message}`,
      {
        where: this.path,
        cause: error,
        details: { failure },
      },
    );
  }

  deliver(delivery: Delivery): Result<void, CellError> {
    if (this.#leaving !== undefined || this.#stopping !== undefined) {
      return err(new CellError("ACTOR_NOT_RUNNING", undefined, { where: this.path }));
    }
    const isIdle = this.#intake.depth + this.#intake.openRequests === 0;
    const accepted = this.#intake.accept(delivery);
    if (isIdle) this.#steppedAtMs = this.#ports.clock.monotonicMs();
    if (accepted.ok) this.#wake();
    else this.#refused += 1;
    return accepted;
  }

  stats(): ActorStats {
    const { clock } = this.#ports;
    const busySinceMs = this.#intake.busySinceMs();
    return {
      state: stateName(this.#driver.snapshot.value),
      mailboxDepth: this.#intake.depth,
      openRequests: this.#intake.openRequests,
      handled: this.#handled,
      refused: this.#refused,
      crashed: this.#ended?.kind === "failed" ? 1 : 0,
      startedAtUnixMs: this.#startedAtUnixMs,
      busySinceUnixMs:
        busySinceMs === undefined ? undefined : clock.unixMs() - (clock.monotonicMs() - busySinceMs),
    };
  }

  progress(): Progress {
    const { depth, openRequests } = this.#intake;
    return {
      hasWork: this.#leaving === undefined && depth + openRequests > 0,
      steppedAtMs: this.#steppedAtMs,
      waitsForOthers: this.#outgoing.isWaiting,
      deadlineUnixMs: this.#intake.latestDeadlineUnixMs(),
    };
  }

  describe(): ActorDescription {
    return describeActor(this.#behaviour, this.#intake.intents);
  }

  reconfigure({ mailbox, intents }: Pick<ActorSpec, "mailbox" | "intents">): Result<void, CellError> {
    try {
      this.#intake.configure(mailbox, acceptedIntents({ path: this.path, intents }, this.#behaviour.intents));
      return ok(undefined);
    } catch (error) {
      if (error instanceof CellError) return err(error);
      throw error;
    }
  }

  lastGoodSnapshot(): ActorSnapshot | undefined {
    return this.#ended === undefined ? this.#persist() : this.#kept;
  }

  fail(failure: Failure): Promise<ExitReason> {
    const intent = this.#intake.oldestBegun()?.delivery.intent;
    this.#failed(intent === undefined ? failure : { ...failure, intent: intentRef(intent) });
    return this.exited;
  }

  stop(graceMs: number): Promise<ExitReason> {
    if (this.#ended !== undefined || this.#stopping !== undefined) return this.exited;
    this.#stopping = this.#ports.clock.setTimer(graceMs, () => this.#end({ kind: "killed" }));
    this.#endWhenDrained();
    return this.exited;
  }

  kill(): Promise<ExitReason> {
    this.#end({ kind: "killed" });
    return this.exited;
  }

  #restore(snapshot: unknown): void {
    const read = readSnapshot(snapshot);
    this.#driver.restore(read, {
      ...resumptionOf(read.causes),
      fail: (error, intent) => void this.#fail(error, { origin: "async", intent }),
    });
    for (const request of read.requests) this.#enqueue(lostRequestEvent(request), undefined);
  }

  #inherit(leftovers: Leftovers, restored: boolean): void {
    this.#intake.inherit(
      leftovers,
      restored,
      new CellError("ACTOR_CRASHED", undefined, { where: this.path }),
    );
    if (this.#intake.depth > 0) this.#wake();
  }

  #enqueue(event: AnyEventObject, intent: ReceivedIntent | undefined): void {
    if (this.#leaving !== undefined) return;
    if (this.#events.length >= MAX_EVENTS) {
      const error = new RangeError(`more than ${MAX_EVENTS} events wait inside the actor`);
      this.#fail(error, { origin: "async", event: event.type, intent });
      return;
    }
    this.#events.push({ event, intent });
    this.#wake();
  }

  #wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    (this.#ports.turns ?? processTurns).schedule(this.#turn);
  }

  /** Events from inside go first: they belong to what was begun before. */
  readonly #turn = (): boolean => {
    for (let item = 0; item < ITEMS_A_TURN && this.#mayDecide; item++) {
      const queued = this.#events.shift();
      if (queued !== undefined) this.#takeEvent(queued);
      else if (!this.#takeIntent()) break;
    }
    this.#endWhenDrained();
    this.#scheduled = this.#mayDecide && (this.#events.length > 0 || this.#hasIntent());
    return this.#scheduled;
  };

  get #mayDecide(): boolean {
    return this.#leaving === undefined && this.#stage.isOpen;
  }

  /** Whether an intent waits that the behaviour is ready for. */
  #hasIntent(): boolean {
    const { ready } = this.#behaviour;
    if (!this.#mayDecide || this.#intake.depth === 0) return false;
    if (ready === undefined) return true;
    let isReady = false;
    this.#guarded({ origin: "transition" }, undefined, () => {
      isReady = ready(this.#driver.snapshot);
    });
    return isReady;
  }

  #takeEvent({ event, intent, held }: Queued): void {
    this.#departure?.takes(intent?.id);
    const origin = event.type.startsWith("xstate.error.actor.") ? "invoke" : "transition";
    this.#step({ origin, event: event.type, intent, held }, intent, event, () => {
      this.#enter(this.#driver.decide(event), intent, event.type);
      this.#driver.settled(event);
      this.#outgoing.settled(event);
    });
  }

  #takeIntent(): boolean {
    const accepted = this.#hasIntent() ? this.#intake.take() : undefined;
    if (accepted !== undefined) this.#handle(accepted);
    return accepted !== undefined;
  }

  #handle(accepted: Accepted): void {
    const { intent } = accepted.delivery;
    const { payload: _, ...meta } = intent;
    this.#record(startedRecord(accepted), intent);
    this.#departure?.begins(intent.id, this.#driver.mark());
    const event = { type: intent.type, payload: accepted.payload, intent: meta };
    this.#step({ origin: "transition", event: event.type, intent }, intent, event, () => {
      this.#stage.settled(accepted.delivery);
      const step = this.#driver.decide(event);
      const idle = step.snapshot === this.#driver.snapshot && step.actions.length === 0;
      if (idle && !this.#driver.takes(event)) {
        const state = stateName(step.snapshot.value);
        const what = `${this.path} takes no ${intent.type} ${state === "" ? "now" : `in state ${state}`}`;
        return this.#intake.finish(accepted, { error: new CellError("ACTOR_INTENT_NOT_HANDLED", what) });
      }
      this.#enter(step, intent, event.type);
      const isDone =
        this.#behaviour.answers === "automatic" &&
        (accepted.definition.reply === undefined || !intent.wantsReply);
      if (isDone && this.#leaving === undefined) this.#intake.finish(accepted, { value: {} });
    });
  }

  /** Makes a step the present, or throws what ends the actor. */
  #enter(step: Step, intent: ReceivedIntent | undefined, event: string): void {
    const { snapshot } = step;
    if (snapshot.status === "error") throw snapshot.error;
    const before = event === "xstate.init" ? undefined : this.#driver.snapshot;
    this.#driver.commit(step, intent, (effect) => readEffect(this.#effects, effect, intent));
    if (before !== undefined && before._nodes !== snapshot._nodes) {
      this.#record(transitionedRecord(event, stateName(before.value), stateName(snapshot.value)), intent);
    }
    if (snapshot.status === "done") this.#leave({ kind: "normal" });
  }

  #step(
    site: Site,
    intent: ReceivedIntent | undefined,
    event: AnyEventObject | undefined,
    decide: () => void,
  ): Failed | undefined {
    this.#steppedAtMs = this.#ports.clock.monotonicMs();
    this.#stage.begin(event);
    const failed = this.#guarded(site, intent, decide);
    if (failed === undefined) this.#stage.decided();
    else this.#stage.discard();
    return failed;
  }

  /** Runs the behaviour's code in the actor's name; a throw ends the actor. */
  #guarded(site: Site, intent: ReceivedIntent | undefined, work: () => void): Failed | undefined {
    const context = {
      actor: this.path,
      intent,
      fail: (error: unknown) => this.#fail(error, { origin: "async", intent }),
    };
    try {
      withMark(this.path, site.held ?? intent?.id ?? "", () => runInActor(context, work));
      return undefined;
    } catch (error) {
      return { error, failure: this.#fail(error, site) };
    }
  }

  #fail(error: unknown, { origin, event, intent, held }: Site): Failure {
    const failure = actorFailure(error, { path: this.path, origin, event, intent, held });
    if (this.#leaving === undefined) return this.#failed(failure);
    this.#log("warn", `after its end: ${failure.name}: ${failure.message}`, undefined);
    return failure;
  }

  #failed(failure: Failure): Failure {
    if (this.#leaving !== undefined) return failure;
    const judged = this.#departure?.judge(failure, this.#intake) ?? this.#counted(failure);
    this.#leave({ kind: "failed", failure: judged });
    return judged;
  }

  /** Of what is in a journal: it comes again by itself. */
  #counted(
    failure: Failure,
    killer = failure.intent && this.#intake.find(failure.intent.id)?.delivery.intent,
  ): Failure {
    const { succession } = this.#ports;
    const { heldEvent, intent } = failure;
    const led = heldEvent === undefined ? (killer ?? intent) : heldKiller(this.path, heldEvent);
    return countedFor(failure, led, succession);
  }

  #endWhenDrained(): void {
    if (this.#stopping === undefined || this.#leaving !== undefined) return;
    const { depth, openRequests } = this.#intake;
    const rest = depth + openRequests + this.#events.length;
    if (rest === 0 || this.#stage.keeps) this.#leave({ kind: "shutdown" });
  }

  #gone(): CellError {
    return new CellError("ACTOR_NOT_RUNNING", undefined, { where: this.path });
  }

  /** Ends when all that was decided has come about. */
  #leave(reason: ExitReason): void {
    if (this.#leaving !== undefined) return;
    this.#leaving = reason;
    // What outlives the actor's end would wait for an answer that nobody gives any more.
    if (reason.kind === "normal" && this.#stage.keeps) this.#intake.finishBegun(this.#gone());
    this.#stage.close(() => this.#end(reason));
  }

  #end(reason: ExitReason): void {
    if (this.#ended !== undefined) return;
    this.#leaving ??= reason;
    this.#ended = reason;
    this.#stage.ended();
    this.#stopping?.();
    if (reason.kind !== "normal") this.#kept = this.#persist();
    this.#events = [];
    this.#outgoing.stop();
    this.#driver.stop();
    if (this.#driver.hasStarted) this.#departure?.leave(this.#intake, reason);
    const gone = () => this.#gone();
    this.#intake.close(reason.kind === "failed" ? () => crashedError(this.path, reason.failure) : gone, gone);
    this.#resolveExit(reason);
  }

  #persist(): ActorSnapshot | undefined {
    const isFresh = this.#behaviour.onRestart === "fresh" || this.#stage.keeps;
    if (isFresh || !this.#driver.hasStarted) return undefined;
    try {
      const undone = this.#departure?.undone;
      const mark = undone?.before ?? this.#driver.mark();
      const causes = causesOf(this.#driver.causes(mark));
      return {
        format: 1,
        ...this.#driver.persist(mark),
        requests: this.#outgoing.records(undone?.intentId),
        ...(causes === undefined ? {} : { causes }),
      };
    } catch (error) {
      this.#log("warn", unsupportedSnapshot(error), undefined);
      return undefined;
    }
  }

  #finished(accepted: Accepted, error: CellError | undefined): void {
    this.#handled += 1;
    if (error === undefined) this.#departure?.answered(accepted.delivery.intent.id);
    const elapsedMs = this.#ports.clock.monotonicMs() - accepted.startedAtMs;
    this.#record(finishedRecord(elapsedMs, error), accepted.delivery.intent);
  }

  #log(level: string, message: string, intent: ReceivedIntent | undefined): void {
    this.#record(loggedRecord(level, message), intent);
  }

  #record(kind: EventInput["kind"], intent: ReceivedIntent | undefined): void {
    const { path: actor, incarnation } = this;
    const input = { actor, incarnation, intent, traceparent: intent?.traceparent, kind };
    this.#stage.note(() => this.#ports.record(input));
  }
}
