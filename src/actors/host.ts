// Runs one actor: takes intents from its mailbox, drives its machine, performs
// what the machine asks for, and turns whatever is thrown anywhere into one
// exit. Nothing that a behaviour does ends the process or goes unanswered.
import type { AnyEventObject, AnyMachineSnapshot } from "xstate";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ActorSpec } from "../manifest/graph.ts";
import type { EventInput } from "../telemetry/event.ts";
import { acceptedIntents } from "./accepted-intents.ts";
import { runInActor } from "./actor-context.ts";
import { actorFailure } from "./actor-failure.ts";
import type { ActorDescription, ActorHost, ActorSnapshot, ActorStats } from "./actor-host.ts";
import type { Behaviour } from "./behaviour.ts";
import type { ExitReason, Failure, Incarnation } from "./child.ts";
import { describeActor } from "./describe.ts";
import { type EffectHandlers, performEffect } from "./effect-handlers.ts";
import {
  finishedRecord,
  loggedRecord,
  refusedRecord,
  repliedRecord,
  startedRecord,
  transitionedRecord,
} from "./host-records.ts";
import { Intake } from "./intake.ts";
import type { Delivery, IntentRef, ReceivedIntent } from "./intent.ts";
import { MachineDriver, type Step } from "./machine-driver.ts";
import type { Accepted } from "./open-requests.ts";
import { lostRequestEvent, OutgoingRequests } from "./outgoing-requests.ts";
import type { ActorPorts } from "./ports.ts";
import { readSnapshot } from "./snapshot.ts";
import { stateName } from "./state-name.ts";
import { processTurns } from "./turn.ts";

/** Intents and events that one actor handles before others have their turn. */
const ITEMS_A_TURN = 8;
/** Events waiting inside one actor; more come only from a machine that feeds itself. */
const MAX_EVENTS = 10_000;

export type StartActorOptions = {
  readonly spec: ActorSpec;
  readonly behaviour: Behaviour;
  readonly incarnation: Incarnation;
  readonly ports: ActorPorts;
  /** Of an earlier incarnation; it decides the state, and `input` is not used. */
  readonly snapshot?: unknown;
  /** In place of `spec.input`; may hold what JSON does not. */
  readonly input?: unknown;
  /** Gets a way to look at the machine's snapshot, for tests. */
  readonly onSnapshot?: (read: () => AnyMachineSnapshot) => void;
};

/**
 * Starts an actor; resolves when its initial state is entered.
 * @throws CellError ACTOR_START_FAILED (details.failure: a Failure), ACTOR_SNAPSHOT_INVALID,
 *   ACTOR_INTENT_SCHEMA_INVALID, ACTOR_ISOLATION_UNSUPPORTED, ACTOR_DURABLE_UNSUPPORTED
 */
export async function startActor(options: StartActorOptions): Promise<ActorHost> {
  return startActorNow(options);
}

/** The same in one turn, for the test kit. */
export function startActorNow(options: StartActorOptions): ActorHost {
  const { spec } = options;
  if (spec.isolation !== "shared") {
    throw new CellError("ACTOR_ISOLATION_UNSUPPORTED", `isolation ${spec.isolation} is not built yet`, {
      where: spec.path,
    });
  }
  if (spec.durable) throw new CellError("ACTOR_DURABLE_UNSUPPORTED", undefined, { where: spec.path });
  const host = new Host(options);
  host.start(options);
  return host;
}

type Queued = { readonly event: AnyEventObject; readonly intent: ReceivedIntent | undefined };
type Site = Pick<Failure, "origin"> & { readonly event?: string; readonly intent?: IntentRef | undefined };

class Host implements ActorHost {
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
  readonly #startedAtUnixMs: number;
  readonly #resolveExit: (reason: ExitReason) => void;
  #events: Queued[] = [];
  #ended: ExitReason | undefined;
  #stopping: (() => void) | undefined;
  #scheduled = false;
  #kept: ActorSnapshot | undefined;
  #handled = 0;
  #refused = 0;

  constructor({ spec, behaviour, incarnation, ports }: StartActorOptions) {
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
        this.#record(refusedRecord(accepted, error), accepted.delivery.intent);
      },
    });
    this.#driver = new MachineDriver({
      machine: behaviour.machine,
      path: spec.path,
      ports,
      received: (event, intent) => this.#enqueue(event, intent),
      logged: (message) => this.#log("info", message, undefined),
    });
    this.#outgoing = new OutgoingRequests(ports, (event, intent) => this.#enqueue(event, intent));
    this.#effects = {
      intake: this.#intake,
      outgoing: this.#outgoing,
      send: (intent) => ports.send(intent),
      log: (level, message, intent) => this.#log(level, message, intent),
    };
  }

  /** @throws CellError; nothing is left running then */
  start(options: StartActorOptions): void {
    const { snapshot, input = options.spec.input } = options;
    options.onSnapshot?.(() => this.#driver.snapshot);
    const failed = this.#guarded({ origin: "start" }, undefined, () => {
      if (snapshot === undefined) this.#enter(this.#driver.initial(input), undefined, "xstate.init");
      else this.#restore(snapshot);
    });
    if (failed === undefined) return;
    const { error, failure } = failed;
    if (error instanceof CellError && error.code === "ACTOR_SNAPSHOT_INVALID") throw error;
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
    if (this.#ended !== undefined || this.#stopping !== undefined) {
      return err(new CellError("ACTOR_NOT_RUNNING", undefined, { where: this.path }));
    }
    const accepted = this.#intake.accept(delivery);
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
    this.#driver.restore(read);
    for (const request of read.requests) this.#enqueue(lostRequestEvent(request), undefined);
  }

  #enqueue(event: AnyEventObject, intent: ReceivedIntent | undefined): void {
    if (this.#ended !== undefined) return;
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
    for (let item = 0; item < ITEMS_A_TURN && this.#ended === undefined; item++) {
      const queued = this.#events.shift();
      if (queued !== undefined) this.#takeEvent(queued);
      else if (!this.#takeIntent()) break;
    }
    this.#endWhenDrained();
    this.#scheduled = this.#ended === undefined && (this.#events.length > 0 || this.#hasIntent());
    return this.#scheduled;
  };

  /** Whether an intent waits that the behaviour is ready for. */
  #hasIntent(): boolean {
    const { ready } = this.#behaviour;
    if (this.#ended !== undefined || this.#intake.depth === 0) return false;
    if (ready === undefined) return true;
    let isReady = false;
    this.#guarded({ origin: "transition" }, undefined, () => {
      isReady = ready(this.#driver.snapshot);
    });
    return isReady;
  }

  #takeEvent({ event, intent }: Queued): void {
    const origin = event.type.startsWith("xstate.error.actor.") ? "invoke" : "transition";
    this.#guarded({ origin, event: event.type, intent }, intent, () => {
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
    const event = { type: intent.type, payload: accepted.payload, intent: meta };
    this.#guarded({ origin: "transition", event: event.type, intent }, intent, () => {
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
      if (isDone && this.#ended === undefined) this.#intake.finish(accepted, { value: {} });
    });
  }

  /** Makes a step the present, or throws what ends the actor. */
  #enter(step: Step, intent: ReceivedIntent | undefined, event: string): void {
    const { snapshot } = step;
    if (snapshot.status === "error") throw snapshot.error;
    const before = event === "xstate.init" ? undefined : this.#driver.snapshot;
    this.#driver.commit(step, intent, (effect) => performEffect(this.#effects, effect, intent));
    if (before !== undefined && before._nodes !== snapshot._nodes) {
      this.#record(transitionedRecord(event, stateName(before.value), stateName(snapshot.value)), intent);
    }
    if (snapshot.status === "done") this.#end({ kind: "normal" });
  }

  /** Runs the behaviour's code in the actor's name; a throw ends the actor. */
  #guarded(
    site: Site,
    intent: ReceivedIntent | undefined,
    work: () => void,
  ): { readonly error: unknown; readonly failure: Failure } | undefined {
    const context = {
      intent,
      fail: (error: unknown) => this.#fail(error, { origin: "async", intent }),
    };
    try {
      runInActor(context, work);
      return undefined;
    } catch (error) {
      return { error, failure: this.#fail(error, site) };
    }
  }

  #fail(error: unknown, { origin, event, intent }: Site): Failure {
    const failure = actorFailure(error, { path: this.path, origin, event, intent });
    if (this.#ended === undefined) this.#end({ kind: "failed", failure });
    else this.#log("warn", `after its end: ${failure.name}: ${failure.message}`, undefined);
    return failure;
  }

  #endWhenDrained(): void {
    if (this.#stopping === undefined || this.#ended !== undefined) return;
    const { depth, openRequests } = this.#intake;
    if (depth + openRequests + this.#events.length === 0) this.#end({ kind: "shutdown" });
  }

  #end(reason: ExitReason): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#stopping?.();
    if (reason.kind !== "normal") this.#kept = this.#persist();
    this.#events = [];
    this.#outgoing.stop();
    this.#driver.stop();
    const gone = new CellError("ACTOR_NOT_RUNNING", undefined, { where: this.path });
    const begun = reason.kind === "failed" ? crashedError(this.path, reason.failure) : gone;
    this.#intake.close(begun, gone);
    this.#resolveExit(reason);
  }

  #persist(): ActorSnapshot | undefined {
    if (this.#behaviour.onRestart === "fresh" || !this.#driver.hasStarted) return undefined;
    try {
      return { format: 1, ...this.#driver.persist(), requests: this.#outgoing.records() };
    } catch (error) {
      const unsupported = new CellError("ACTOR_SNAPSHOT_UNSUPPORTED");
      const why = error instanceof Error ? error.message : String(error);
      this.#log("warn", `${unsupported.code}: a restart will be from the beginning: ${why}`, undefined);
      return undefined;
    }
  }

  #finished(accepted: Accepted, error: CellError | undefined): void {
    this.#handled += 1;
    const elapsedMs = this.#ports.clock.monotonicMs() - accepted.startedAtMs;
    this.#record(finishedRecord(elapsedMs, error), accepted.delivery.intent);
  }

  #log(level: string, message: string, intent: ReceivedIntent | undefined): void {
    this.#record(loggedRecord(level, message), intent);
  }

  #record(kind: EventInput["kind"], intent: ReceivedIntent | undefined): void {
    const { path: actor, incarnation } = this;
    this.#ports.record({ actor, incarnation, intent, traceparent: intent?.traceparent, kind });
  }
}

/** The failure stays on this side: details never cross a process boundary. */
function crashedError(where: string, failure: Failure): CellError {
  return new CellError("ACTOR_CRASHED", undefined, { where, details: { failure } });
}
