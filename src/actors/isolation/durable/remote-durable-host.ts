// The node's handle of a durable actor that runs in a worker or a process. The host
// that decides, commits and performs is there; the journal's intents, the commits and
// the ways out are here, and only what was handed over or committed goes through them.
import { CellError } from "../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../errors/result.ts";
import type { ActorExit, ActorReply, ActorTransition, ActorUp } from "../../../gen/cell0/v1/channel_pb.ts";
import type { ActorSpec } from "../../../manifest/graph.ts";
import type { EventInput } from "../../../telemetry/event.ts";
import { type AcceptedIntents, checkPayload } from "../../accepted-intents.ts";
import { intentRef } from "../../actor-failure.ts";
import type { ActorDescription, ActorHost, ActorStats } from "../../actor-host.ts";
import { asCellError } from "../../as-cell-error.ts";
import type { ExitReason, Failure, FailureClass, Incarnation } from "../../child.ts";
import type { DurablePorts, DurableState } from "../../durable/ports.ts";
import * as records from "../../host-records.ts";
import type { Delivery, ReceivedIntent } from "../../intent.ts";
import { readPayload } from "../../payload.ts";
import type { ActorPorts } from "../../ports.ts";
import type { Progress } from "../../progress.ts";
import { declaredIntents, describeAccepted, narrowed, readDescription } from "../description.ts";
import { Heartbeat } from "../heartbeat.ts";
import type { Housing, LinkEnd } from "../link.ts";
import { deliveryFrame, fromOutcome, fromStartError, toActorFrame } from "../messages.ts";
import { classOfEnd, errorOfEnd, foundFailure, notUp, toldFailure } from "../remote-failure.ts";
import { RemoteFrames } from "../remote-frames.ts";
import { DEFAULT_PROGRESS_MS } from "../remote-host.ts";
import { RemoteLog } from "../remote-log.ts";
import { Deliveries } from "./deliveries.ts";
import { DurableChannel } from "./durable-channel.ts";

/** Intents that wait at the actor's side: enough for one commit. */
export const DURABLE_WINDOW = 64;
const MAX_STATE_CHARS = 256;
const FULL_RETRY_MS = 50;

export type RemoteDurableOptions = {
  readonly spec: ActorSpec;
  readonly codeHash: string;
  readonly incarnation: Incarnation;
  readonly housing: Housing;
  readonly ports: ActorPorts;
  readonly durable: DurablePorts;
  /** Of the last commit; absent: it never ran. */
  readonly state?: DurableState | undefined;
};

type Running = { readonly description: ActorDescription; readonly accepted: AcceptedIntents };

export class RemoteDurableHost implements ActorHost {
  readonly path: string;
  readonly incarnation: Incarnation;
  readonly exited: Promise<ExitReason>;
  /** Resolves when its behaviour runs; rejects with what kept it from coming up. */
  readonly up: Promise<void>;
  readonly #spec: ActorSpec;
  readonly #housing: Housing;
  readonly #ports: ActorPorts;
  readonly #deliveries: Deliveries;
  readonly #channel: DurableChannel;
  readonly #frames: RemoteFrames;
  readonly #log: RemoteLog;
  readonly #exit = Promise.withResolvers<ExitReason>();
  readonly #start = Promise.withResolvers<void>();
  readonly #startedAtUnixMs: number;
  #running: Running | undefined;
  #heartbeat: Heartbeat | undefined;
  #ended: ExitReason | undefined;
  #stopping: { readonly untilMs: number; readonly cancel: () => void } | undefined;
  #state = "";
  #steppedAtMs = 0;
  #handledCount = 0;
  #refusedCount = 0;

  /** @throws CellError ACTOR_STATE_INVALID */
  constructor({ spec, codeHash, incarnation, housing, ports, durable, state }: RemoteDurableOptions) {
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
    this.#deliveries = new Deliveries(spec.mailbox);
    this.#channel = new DurableChannel({
      ...{ durable, state, codeHash },
      nowUnixMs: () => clock.unixMs(),
      reply: (frame) => housing.link.send(frame),
      refused: (error) => this.#uncommitted(error),
      committed: () => this.#stepped(),
    });
    this.#log = new RemoteLog(clock, (level, message) => this.#logged(level, message, undefined));
    this.#frames = new RemoteFrames(housing.link, clock, this.#sink());
    housing.link.listen({
      data: (chunk) => this.#data(chunk),
      output: (stream, line) => this.#log.line(stream === "stdout" ? "info" : "warn", line),
      ended: (end) => this.#lost(end),
    });
  }

  #sink(): ConstructorParameters<typeof RemoteFrames>[2] {
    const channel = this.#channel;
    return {
      durable: {
        commit: (message) => {
          this.#deliveries.turnEnded();
          channel.commit(message);
        },
        relay: (message) => channel.relay(message),
        returned: (message) => channel.returned(message),
      },
      up: (message) => this.#cameUp(message),
      begun: (delivery) => this.#begun(delivery),
      reply: (message) => this.#reply(message),
      request: () => {
        throw violation("a durable actor sends by its outbox only");
      },
      log: ({ level, message, delivery }) => {
        const intent = this.#given(delivery);
        this.#log.line(level, message, (known, text) => this.#logged(known, text, intent));
      },
      transition: (message) => this.#transition(message),
      state: () => {
        throw violation("a durable actor keeps its state by commits only");
      },
      beat: () => this.#heartbeat?.beat(),
      exit: (message) => this.#told(message),
    };
  }

  deliver(delivery: Delivery): Result<void, CellError> {
    if (this.#ended !== undefined || this.#stopping !== undefined) return err(this.#gone());
    const { journaled } = delivery;
    if (journaled === undefined)
      return err(new CellError("ACTOR_NOT_JOURNALED", undefined, { where: this.path }));
    if (this.#deliveries.isFull) {
      const options = { where: this.path, retryAfterMs: FULL_RETRY_MS };
      return err(new CellError("ACTOR_MAILBOX_FULL", undefined, options));
    }
    if (!this.#hasWork) this.#stepped();
    const refused = this.#ports.succession?.refuses(delivery) ?? this.#narrowed(delivery.intent);
    this.#deliveries.add(delivery, journaled, refused, this.#ports.clock.monotonicMs());
    this.#feed();
    return ok(undefined);
  }

  stats(): ActorStats {
    const { clock } = this.#ports;
    const { busySinceMs, depth, open } = this.#deliveries;
    return {
      state: this.#state,
      mailboxDepth: depth,
      openRequests: open,
      handled: this.#handledCount,
      refused: this.#refusedCount,
      crashed: this.#ended?.kind === "failed" ? 1 : 0,
      startedAtUnixMs: this.#startedAtUnixMs,
      busySinceUnixMs:
        busySinceMs === undefined ? undefined : clock.unixMs() - (clock.monotonicMs() - busySinceMs),
    };
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
      this.#deliveries.configure(mailbox);
      return ok(undefined);
    } catch (error) {
      if (error instanceof CellError) return err(error);
      throw error;
    }
  }

  /** None: what it goes on from is in the stream. */
  lastGoodSnapshot(): undefined {
    return undefined;
  }

  progress(): Progress {
    return {
      // A commit that is not kept for long ends it by itself: it is no hang.
      hasWork: this.#ended === undefined && this.#hasWork && !this.#channel.isCommitting,
      steppedAtMs: this.#steppedAtMs,
      waitsForOthers: this.#channel.isWaiting,
      deadlineUnixMs: this.#deliveries.latestDeadlineUnixMs,
    };
  }

  fail(failure: Failure): Promise<ExitReason> {
    this.#failed(failure, this.#deliveries.suspect());
    return this.exited;
  }

  stop(graceMs: number): Promise<ExitReason> {
    if (this.#ended !== undefined || this.#stopping !== undefined) return this.exited;
    const { clock } = this.#ports;
    const cancel = clock.setTimer(graceMs, () => this.#end({ kind: "killed" }));
    this.#stopping = { untilMs: clock.monotonicMs() + graceMs, cancel };
    this.#tellStop();
    return this.exited;
  }

  kill(): Promise<ExitReason> {
    this.#end({ kind: "killed" });
    return this.exited;
  }

  /** What is not to be tried again of what the state would run again, with its answer. */
  refusals(): { readonly id: string; readonly error: CellError }[] {
    const { succession } = this.#ports;
    return this.#channel.given.redone().flatMap((intent) => {
      // Whom it was for is no word of that side's.
      const own = { ...intent, target: this.path };
      const error = succession?.refuses({ intent: own, respond: () => {} });
      return error === undefined ? [] : [{ id: intent.id, error }];
    });
  }

  get #hasWork(): boolean {
    return this.#deliveries.depth + this.#deliveries.open > 0;
  }

  /** What the manifest leaves of the intents is judged here; the answer is committed like any other. */
  #narrowed({ type, contentType, payload }: ReceivedIntent): CellError | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    const accepted = running.accepted.get(type);
    if (accepted === undefined)
      return Object.hasOwn(running.description.intents, type)
        ? new CellError("ACTOR_INTENT_UNKNOWN", undefined, { where: this.path })
        : undefined;
    if (accepted.extra === undefined) return undefined;
    const read = readPayload(contentType, payload);
    const checked = read.ok ? checkPayload(accepted, read.value) : read;
    return checked.ok ? undefined : checked.error;
  }

  /** Hands over what the actor's side has room for. */
  #feed(): void {
    if (this.#running === undefined || this.#ended !== undefined || this.#stopping !== undefined) return;
    for (;;) {
      const next = this.#deliveries.next(DURABLE_WINDOW);
      if (next === undefined) return;
      const { accepted, journaled, refused } = next.waiting;
      const { intent } = accepted.delivery;
      this.#channel.given.add(intent, journaled);
      this.#housing.link.send(deliveryFrame(next.number, intent, { journaled, refused }));
    }
  }

  #tellStop(): void {
    if (this.#running === undefined || this.#stopping === undefined) return;
    const graceMs = Math.max(0, Math.ceil(this.#stopping.untilMs - this.#ports.clock.monotonicMs()));
    this.#housing.link.send(toActorFrame({ case: "stop", value: { graceMs } }));
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
    this.#running = { description, accepted: narrowed(this.#spec, declaredIntents(description)) };
    this.#state = state.slice(0, MAX_STATE_CHARS);
    const { progressMs = DEFAULT_PROGRESS_MS } = this.#spec;
    const { clock } = this.#ports;
    this.#heartbeat = new Heartbeat({ clock, progressMs, missed: () => this.#stuck(progressMs) });
    this.#start.resolve();
    this.#tellStop();
    this.#feed();
  }

  #begun(delivery: bigint): void {
    this.#stepped();
    const handed = this.#deliveries.find(delivery);
    if (handed === undefined) return;
    if (handed === null || handed.begun) throw violation(`delivery ${delivery} cannot be begun`);
    const { accepted } = handed;
    accepted.startedAtMs = this.#ports.clock.monotonicMs();
    this.#deliveries.begin(handed);
    this.#record(records.startedRecord(accepted), accepted.delivery.intent);
    this.#feed();
  }

  #reply({ delivery: number, outcome, refused }: ActorReply): void {
    const handed = this.#deliveries.find(number);
    if (handed === null) throw violation(`a reply to delivery ${number}, which was never made`);
    const read = fromOutcome(outcome);
    // It has been answered, or was asked again since.
    if (handed === undefined) return;
    const { accepted, begun } = handed;
    const { intent } = accepted.delivery;
    accepted.replies += 1;
    accepted.delivery.respond(
      read.ok
        ? { kind: "value", ...read.value }
        : { kind: "error", error: read.error, ...(refused ? { begun: false } : {}) },
    );
    const isLast = !read.ok || read.value.final;
    if (begun) this.#record(records.repliedRecord(accepted, isLast), intent);
    if (!isLast) return;
    this.#finished(handed, read.ok ? undefined : read.error);
    if (this.#deliveries.finish(accepted)) this.#channel.given.answered(intent.id);
    this.#feed();
  }

  #finished(
    { accepted, begun }: NonNullable<ReturnType<Deliveries["find"]>>,
    error: CellError | undefined,
  ): void {
    const { intent } = accepted.delivery;
    if (begun) {
      this.#handledCount += 1;
      const elapsedMs = this.#ports.clock.monotonicMs() - accepted.startedAtMs;
      this.#record(records.finishedRecord(elapsedMs, error), intent);
    } else if (error !== undefined) {
      this.#refusedCount += 1;
      this.#record(records.refusedRecord(accepted, error), intent);
    }
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

  /** The intent that a frame names as its cause. */
  #given(delivery: bigint): ReceivedIntent | undefined {
    const intent = this.#deliveries.intentOf(delivery);
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
      const meta = fault.intent === "" ? undefined : this.#channel.given.find(fault.intent);
      const intent =
        meta === undefined
          ? this.#given(fault.delivery)
          : { ...meta, target: this.path, payload: NO_PAYLOAD };
      const told = { path: this.path, intent: undefined, original: this.#housing.original };
      this.#failed(toldFailure(fault, told), intent);
    } else throw violation(`it ends as \`${kind.slice(0, 20)}\``);
  }

  #lost(end: LinkEnd): void {
    if (this.#stopping !== undefined && end.kind !== "memory") this.#end({ kind: "killed" });
    else this.#fail(errorOfEnd(end), classOfEnd(end));
  }

  #stuck(progressMs: number): void {
    const what = `its event loop has stood still for ${progressMs} ms`;
    this.#fail(new CellError("ACTOR_STUCK", what, { where: this.path }), "hang");
  }

  /** Nothing is known to be kept, or another incarnation owns the actor: no intent is to blame. */
  #uncommitted(error: CellError): void {
    const failure = foundFailure(error, "loss", this.path, undefined);
    this.#end({ kind: "failed", failure: { ...failure, origin: "kernel" } });
  }

  #fail(error: CellError, failureClass: FailureClass): void {
    this.#failed(foundFailure(error, failureClass, this.path, undefined), this.#deliveries.suspect());
  }

  /** What was in hand comes again from the journal, unless it has killed too often. */
  #failed(failure: Failure, suspect: ReceivedIntent | undefined): void {
    if (this.#ended !== undefined) return;
    if (suspect === undefined) {
      this.#end({ kind: "failed", failure });
      return;
    }
    const told = { ...failure, intent: intentRef(suspect) };
    const counts = failure.class !== "treachery" && this.#running !== undefined;
    const verdict = counts ? this.#ports.succession?.counted(suspect, told) : undefined;
    this.#end({ kind: "failed", failure: verdict === "poison" ? { ...told, class: "poison" } : told });
  }

  #end(reason: ExitReason, startError?: CellError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#stopping?.cancel();
    this.#heartbeat?.stop();
    this.#frames.stop();
    this.#log.close();
    this.#channel.stop();
    this.#housing.link.kill();
    this.#start.reject(startError ?? notUp(this.path, reason));
    this.#exit.resolve(reason);
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

const NO_PAYLOAD = new Uint8Array();
const violation = (what: string): CellError => new CellError("ACTOR_CHANNEL_VIOLATED", what);
