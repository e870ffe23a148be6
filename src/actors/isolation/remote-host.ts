// The node's handle of an actor that runs in a worker or a process: the mailbox,
// the answers owed and the records are kept here, the behaviour and its machine
// there. Whatever comes from there is judged by what was given to it; a frame that
// does not fit ends the actor, and whoever waits is answered all the same.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { ActorExit, ActorReply, ActorTransition, ActorUp } from "../../gen/cell0/v1/channel_pb.ts";
import type { ActorSpec } from "../../manifest/graph.ts";
import type { EventInput } from "../../telemetry/event.ts";
import type { AcceptedIntents } from "../accepted-intents.ts";
import { intentRef } from "../actor-failure.ts";
import type { ActorDescription, ActorHost, ActorSnapshot, ActorStats } from "../actor-host.ts";
import { asCellError } from "../as-cell-error.ts";
import type { ExitReason, Failure, FailureClass, Incarnation } from "../child.ts";
import * as records from "../host-records.ts";
import { Intake } from "../intake.ts";
import type { Delivery, ReceivedIntent } from "../intent.ts";
import type { Accepted } from "../open-requests.ts";
import type { ActorPorts } from "../ports.ts";
import type { Progress } from "../progress.ts";
import { judge, type Leftovers, leave } from "../succession.ts";
import { parseBounded } from "./bounded-json.ts";
import { declaredIntents, describeAccepted, narrowed, readDescription } from "./description.ts";
import { HandedOver } from "./handed-over.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Housing, LinkEnd } from "./link.ts";
import { deliveryFrame, fromOutcome, fromStartError, toActorFrame } from "./messages.ts";
import { classOfEnd, errorOfEnd, foundFailure, notUp, toldFailure } from "./remote-failure.ts";
import { RemoteFrames } from "./remote-frames.ts";
import { RemoteLog } from "./remote-log.ts";
import { RemoteRequests } from "./remote-requests.ts";

/** Intents handed over that wait at the actor's side; the rest wait here, in their priorities. */
export const WINDOW = 16;
export const DEFAULT_PROGRESS_MS = 30_000;
const MAX_STATE_CHARS = 256;

export type RemoteHostOptions = {
  readonly spec: ActorSpec;
  readonly incarnation: Incarnation;
  readonly housing: Housing;
  readonly ports: ActorPorts;
};

type Running = { readonly description: ActorDescription; readonly accepted: AcceptedIntents };

export class RemoteHost implements ActorHost {
  readonly path: string;
  readonly incarnation: Incarnation;
  readonly exited: Promise<ExitReason>;
  /** Resolves when its behaviour runs; rejects with what kept it from coming up. */
  readonly up: Promise<void>;
  readonly #spec: ActorSpec;
  readonly #housing: Housing;
  readonly #ports: ActorPorts;
  readonly #intake: Intake;
  readonly #handed = new HandedOver();
  readonly #requests: RemoteRequests;
  readonly #frames: RemoteFrames;
  readonly #log: RemoteLog;
  readonly #exit = Promise.withResolvers<ExitReason>();
  readonly #start = Promise.withResolvers<void>();
  readonly #startedAtUnixMs: number;
  #running: Running | undefined;
  #heartbeat: Heartbeat | undefined;
  #ended: ExitReason | undefined;
  #stopping: { readonly untilMs: number; readonly cancel: () => void; told: boolean } | undefined;
  #snapshot: Uint8Array | undefined;
  #state = "";
  #steppedAtMs = 0;
  #handledCount = 0;
  #refusedCount = 0;

  constructor({ spec, incarnation, housing, ports }: RemoteHostOptions) {
    this.path = spec.path;
    this.incarnation = incarnation;
    this.exited = this.#exit.promise;
    this.up = this.#start.promise;
    this.up.catch(() => undefined);
    this.#spec = spec;
    this.#housing = housing;
    this.#ports = ports;
    const { clock } = ports;
    this.#startedAtUnixMs = clock.unixMs();
    this.#intake = new Intake(spec, new Map(), clock, {
      replied: (accepted, final) => this.#record(records.repliedRecord(accepted, final), intentOf(accepted)),
      finished: (accepted, error) => this.#finished(accepted, error),
      refused: (accepted, error) => this.#refused(accepted, error),
    });
    this.#log = new RemoteLog(clock, (level, message) => this.#logged(level, message, undefined));
    this.#requests = new RemoteRequests({
      send: (intent) => ports.send(intent),
      reply: (frame) => housing.link.send(frame),
      warn: (message, intent) => this.#logged("warn", message, intent),
    });
    this.#frames = new RemoteFrames(housing.link, clock, {
      up: (message) => this.#cameUp(message),
      begun: (delivery) => this.#begun(delivery),
      reply: (message) => this.#reply(message),
      request: (message) => this.#requests.send(message, this.#given(message.cause)),
      log: ({ level, message, delivery }) => {
        const intent = this.#given(delivery);
        this.#log.line(level, message, (known, text) => this.#logged(known, text, intent));
      },
      transition: (message) => this.#transition(message),
      state: (snapshot) => this.#keep(snapshot),
      beat: () => this.#heartbeat?.beat(),
      exit: (message) => this.#told(message),
    });
    housing.link.listen({
      data: (chunk) => this.#data(chunk),
      output: (stream, line) => this.#log.line(stream === "stdout" ? "info" : "warn", line),
      ended: (end) => this.#lost(end),
    });
  }

  deliver(delivery: Delivery): Result<void, CellError> {
    if (this.#ended !== undefined || this.#stopping !== undefined) return err(this.#gone());
    if (this.#intake.depth + this.#intake.openRequests === 0) this.#stepped();
    const accepted = this.#intake.accept(delivery);
    if (accepted.ok) this.#feed();
    else this.#refusedCount += 1;
    return accepted;
  }

  stats(): ActorStats {
    const { clock } = this.#ports;
    const { busySinceMs, waiting } = this.#handed;
    return {
      state: this.#state,
      mailboxDepth: this.#intake.depth + waiting,
      openRequests: this.#intake.openRequests - waiting,
      handled: this.#handledCount,
      refused: this.#refusedCount,
      crashed: this.#ended?.kind === "failed" ? 1 : 0,
      startedAtUnixMs: this.#startedAtUnixMs,
      busySinceUnixMs:
        busySinceMs === undefined ? undefined : clock.unixMs() - (clock.monotonicMs() - busySinceMs),
    };
  }

  /** What the incarnation before left. What was begun there cannot be answered from here. */
  inherit(leftovers: Leftovers): void {
    this.#intake.inherit(leftovers, false, new CellError("ACTOR_CRASHED", undefined, { where: this.path }));
    this.#feed();
  }

  describe(): ActorDescription {
    if (this.#running === undefined) return { intents: {}, states: [] };
    return describeAccepted(this.#running.description, this.#running.accepted);
  }

  get bound(): string {
    return this.#housing.link.bound;
  }

  reconfigure({ mailbox, intents }: Pick<ActorSpec, "mailbox" | "intents">): Result<void, CellError> {
    if (this.#running === undefined) return err(this.#gone());
    try {
      const accepted = narrowed({ path: this.path, intents }, declaredIntents(this.#running.description));
      this.#running = { ...this.#running, accepted };
      this.#intake.configure(mailbox, accepted);
      return ok(undefined);
    } catch (error) {
      if (error instanceof CellError) return err(error);
      throw error;
    }
  }

  lastGoodSnapshot(): ActorSnapshot | undefined {
    if (this.#ended?.kind === "normal" || this.#snapshot === undefined) return undefined;
    try {
      // Whoever restores it reads it with suspicion, see snapshot.ts.
      return parseBounded(this.#snapshot, "its snapshot") as ActorSnapshot;
    } catch {
      return undefined;
    }
  }

  progress(): Progress {
    return {
      hasWork: this.#ended === undefined && this.#intake.depth + this.#intake.openRequests > 0,
      steppedAtMs: this.#steppedAtMs,
      waitsForOthers: this.#requests.isWaiting,
      deadlineUnixMs: this.#intake.latestDeadlineUnixMs(),
    };
  }

  fail(failure: Failure): Promise<ExitReason> {
    const suspect = this.#handed.suspect();
    const told = suspect === undefined ? failure : { ...failure, intent: intentRef(suspect) };
    this.#end({ kind: "failed", failure: told });
    return this.exited;
  }

  stop(graceMs: number): Promise<ExitReason> {
    if (this.#ended !== undefined || this.#stopping !== undefined) return this.exited;
    const { clock } = this.#ports;
    const cancel = clock.setTimer(graceMs, () => this.#end({ kind: "killed" }));
    this.#stopping = { untilMs: clock.monotonicMs() + graceMs, cancel, told: false };
    this.#feed();
    return this.exited;
  }

  kill(): Promise<ExitReason> {
    this.#end({ kind: "killed" });
    return this.exited;
  }

  /** Hands over what the actor's side has room for; tells it to stop when nothing is left for it. */
  #feed(): void {
    if (this.#running === undefined || this.#ended !== undefined) return;
    const { link } = this.#housing;
    while (this.#handed.waiting < WINDOW) {
      const next = this.#intake.take();
      if (next === undefined) break;
      link.send(deliveryFrame(this.#handed.add(next), intentOf(next)));
    }
    const stopping = this.#stopping;
    if (stopping === undefined || stopping.told || this.#intake.depth > 0) return;
    stopping.told = true;
    const graceMs = Math.max(0, Math.ceil(stopping.untilMs - this.#ports.clock.monotonicMs()));
    link.send(toActorFrame({ case: "stop", value: { graceMs } }));
  }

  /** Code that sends what does not fit is hostile, or broken beyond what its own host catches. */
  #data(chunk: Uint8Array): void {
    try {
      this.#frames.take(chunk);
    } catch (thrown) {
      const known = asCellError(thrown);
      this.#fail(known ?? new CellError("ACTOR_CHANNEL_VIOLATED", undefined, { cause: thrown }), "treachery");
    }
  }

  #cameUp({ description: bytes, state }: ActorUp): void {
    const description = readDescription(bytes);
    const accepted = narrowed(this.#spec, declaredIntents(description));
    this.#running = { description, accepted };
    this.#intake.configure(this.#spec.mailbox, accepted);
    this.#state = state.slice(0, MAX_STATE_CHARS);
    const progressMs = this.#spec.progressMs ?? DEFAULT_PROGRESS_MS;
    this.#heartbeat = new Heartbeat({
      clock: this.#ports.clock,
      progressMs,
      missed: () => this.#stuck(progressMs),
    });
    this.#start.resolve();
    this.#feed();
  }

  #begun(delivery: bigint): void {
    this.#stepped();
    const handed = this.#handed.find(delivery);
    if (handed === undefined) return;
    if (handed === null || handed.begun) throw violation(`delivery ${delivery} cannot be begun`);
    const { accepted } = handed;
    accepted.startedAtMs = this.#ports.clock.monotonicMs();
    this.#handed.begin(handed);
    this.#record(records.startedRecord(accepted), intentOf(accepted));
    this.#feed();
  }

  #reply({ delivery, outcome, refused }: ActorReply): void {
    const handed = this.#handed.find(delivery);
    if (handed === null) throw violation(`a reply to delivery ${delivery}, which was never made`);
    const read = fromOutcome(outcome);
    // Its deadline was first.
    if (handed === undefined) return;
    const { accepted, begun } = handed;
    const { id } = intentOf(accepted);
    if (!begun) {
      if (!refused || read.ok) throw violation(`a reply to delivery ${delivery}, which was not begun`);
      this.#intake.giveBack(accepted, read.error);
    } else if (read.ok) this.#intake.reply(id, read.value.value, read.value.final);
    else this.#intake.fail(id, read.error);
    this.#feed();
  }

  #transition({ event, from, to, delivery }: ActorTransition): void {
    const [what = "", before = "", after = ""] = [event, from, to].map((text) =>
      text.slice(0, MAX_STATE_CHARS),
    );
    this.#state = after;
    this.#record(records.transitionedRecord(what, before, after), this.#given(delivery));
  }

  #stepped(): void {
    this.#steppedAtMs = this.#ports.clock.monotonicMs();
  }

  #keep(snapshot: Uint8Array): void {
    this.#stepped();
    this.#handed.turnEnded();
    this.#snapshot = snapshot.byteLength === 0 ? undefined : new Uint8Array(snapshot);
  }

  /** The intent that a frame names as its cause. */
  #given(delivery: bigint): ReceivedIntent | undefined {
    const intent = this.#handed.intentOf(delivery);
    if (intent === null) throw violation(`delivery ${delivery} was never made`);
    return intent;
  }

  /** Its last word. That it was stopped is believed only when it was told to. */
  #told({ kind, fault, error }: ActorExit): void {
    if (this.#running === undefined && error !== undefined) {
      this.#end({ kind: "killed" }, fromStartError(error, this.#housing.original));
      return;
    }
    if (kind === "normal") this.#end({ kind });
    else if (this.#stopping !== undefined && (kind === "shutdown" || kind === "killed")) this.#end({ kind });
    else if (kind === "failed" && fault !== undefined) {
      const intent = this.#given(fault.delivery);
      const { original } = this.#housing;
      this.#end({ kind, failure: toldFailure(fault, { path: this.path, intent, original }) });
    } else throw violation(`it ends as \`${kind.slice(0, 20)}\``);
  }

  #lost(end: LinkEnd): void {
    if (this.#stopping !== undefined && end.kind !== "memory") this.#end({ kind: "killed" });
    else this.#fail(errorOfEnd(end), classOfEnd(end));
  }

  #stuck(progressMs: number): void {
    this.#fail(
      new CellError("ACTOR_STUCK", `its event loop has stood still for ${progressMs} ms`, {
        where: this.path,
      }),
      "hang",
    );
  }

  #fail(error: CellError, failureClass: FailureClass): void {
    const failure = foundFailure(error, failureClass, this.path, this.#handed.suspect());
    this.#end({ kind: "failed", failure });
  }

  #end(reason: ExitReason, startError?: CellError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    const ended = this.#leave(reason);
    this.#ended = ended;
    this.#stopping?.cancel();
    this.#heartbeat?.stop();
    this.#frames.stop();
    this.#log.close();
    this.#requests.stop();
    this.#housing.link.kill();
    const gone = this.#gone();
    for (const accepted of this.#handed.unbegun()) this.#intake.giveBack(accepted, gone);
    const begun = reason.kind === "failed" ? crashed(this.path, reason.failure) : gone;
    this.#intake.close(
      () => begun,
      () => gone,
    );
    this.#start.reject(startError ?? notUp(this.path, ended));
    this.#exit.resolve(ended);
  }

  /** Leaves what is unanswered to the next incarnation. What the kept state does not know of is tried again. */
  #leave(reason: ExitReason): ExitReason {
    const { succession } = this.#ports;
    if (succession === undefined || this.#running === undefined) return reason;
    const judged = reason.kind === "failed" ? judge(reason.failure, this.#intake, succession) : undefined;
    const again = this.#handed.isInTurn(judged?.again) ? judged?.again : undefined;
    const ended: ExitReason = judged === undefined ? reason : { kind: "failed", failure: judged.failure };
    leave(this.#intake, succession, ended, again, new Set(this.#handed.unbegun()));
    return ended;
  }

  #finished(accepted: Accepted, error: CellError | undefined): void {
    const intent = intentOf(accepted);
    if (this.#handed.finish(accepted) === true) {
      this.#handledCount += 1;
      const elapsedMs = this.#ports.clock.monotonicMs() - accepted.startedAtMs;
      this.#record(records.finishedRecord(elapsedMs, error), intent);
    } else if (error !== undefined) {
      this.#refusedCount += 1;
      this.#record(records.refusedRecord(accepted, error), intent);
    }
    this.#feed();
  }

  #refused(accepted: Accepted, error: CellError): void {
    this.#handed.finish(accepted);
    this.#refusedCount += 1;
    this.#record(records.refusedRecord(accepted, error), intentOf(accepted));
  }

  #gone(): CellError {
    return new CellError("ACTOR_NOT_RUNNING", undefined, { where: this.path });
  }

  #logged(level: string, message: string, intent: ReceivedIntent | undefined): void {
    this.#record(records.loggedRecord(level, message), intent);
  }

  #record(kind: EventInput["kind"], intent: ReceivedIntent | undefined): void {
    const { path: actor, incarnation } = this;
    this.#ports.record({ actor, incarnation, intent, traceparent: intent?.traceparent, kind });
  }
}

const intentOf = ({ delivery }: Accepted): ReceivedIntent => delivery.intent;
const violation = (what: string): CellError => new CellError("ACTOR_CHANNEL_VIOLATED", what);

/** The failure stays on this side: details never cross a process boundary. */
const crashed = (where: string, failure: Failure): CellError =>
  new CellError("ACTOR_CRASHED", undefined, { where, details: { failure } });
