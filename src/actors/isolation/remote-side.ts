// The worker or process that an actor runs in, as the node holds it: the link and its
// frames, how it comes up, whether it still beats, and how it ends. Whose mailbox hands
// over intents, and what their answers mean, is the host's that composes it. A frame
// that does not fit ends the actor.
import { CellError } from "../../errors/cell-error.ts";
import { err, type Result } from "../../errors/result.ts";
import type { ActorExit, ActorFault, ActorUp } from "../../gen/cell0/v1/channel_pb.ts";
import type { ActorSpec } from "../../manifest/graph.ts";
import type { AcceptedIntents } from "../accepted-intents.ts";
import { intentRef } from "../actor-failure.ts";
import type { ActorDescription, ActorStats } from "../actor-host.ts";
import { asCellError } from "../as-cell-error.ts";
import type { ExitReason, Failure, FailureClass, Incarnation } from "../child.ts";
import type { ReceivedIntent } from "../intent.ts";
import type { ActorPorts } from "../ports.ts";
import type { HandedOver } from "./handed-over.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Housing, LinkEnd } from "./link.ts";
import { fromStartError, toActorFrame } from "./messages.ts";
import { type MailboxFigures, RemoteAccount } from "./remote-account.ts";
import { RemoteBehaviour } from "./remote-behaviour.ts";
import { classOfEnd, errorOfEnd, foundFailure, notUp, toldFailure, violation } from "./remote-failure.ts";
import { type FrameSink, RemoteFrames } from "./remote-frames.ts";

export const DEFAULT_PROGRESS_MS = 30_000;

export type RemoteSideOptions = {
  readonly spec: ActorSpec;
  readonly incarnation: Incarnation;
  readonly housing: Housing;
  readonly ports: ActorPorts;
};

/** The host whose intents it is given. */
export type SideOwner = {
  /** What it was given. */
  readonly handed: Pick<HandedOver, "find" | "begin" | "intentOf" | "suspect">;
  /** Frames that mean something to the mailbox. */
  readonly frames: Pick<FrameSink, "reply" | "request" | "state" | "durable">;
  /** It came up, or has begun something, or is to stop: there may be something to hand over. */
  readonly feed: () => void;
  /** It came up, and accepts these. */
  readonly cameUp?: (accepted: AcceptedIntents) => void;
  /** The failure by its own word, once it is known for what it failed at; absent: as it is. */
  readonly told?: (failure: Failure, fault: ActorFault) => Failure;
  /** The intent that its own word names as what it failed at; absent: by its delivery. */
  readonly blamed?: (fault: ActorFault) => ReceivedIntent | undefined;
  /** The failure, once the intent that was in hand has been counted for it; absent: as it is. */
  readonly counted?: (failure: Failure, suspect: ReceivedIntent) => Failure;
  /** It is over, and nothing comes from it any more. Returns what its supervisor hears. */
  readonly ended: (reason: ExitReason) => ExitReason;
};

export class RemoteSide {
  readonly exited: Promise<ExitReason>;
  /** Resolves when its behaviour runs; rejects with what kept it from coming up. */
  readonly up: Promise<void>;
  readonly account: RemoteAccount;
  readonly #options: RemoteSideOptions;
  readonly #owner: SideOwner;
  readonly #frames: RemoteFrames;
  readonly #exit = Promise.withResolvers<ExitReason>();
  readonly #start = Promise.withResolvers<void>();
  #behaviour: RemoteBehaviour | undefined;
  #heartbeat: Heartbeat | undefined;
  #ended: ExitReason | undefined;
  #stopping: { readonly untilMs: number; readonly cancel: () => void; told: boolean } | undefined;
  #steppedAtMs = 0;

  constructor(options: RemoteSideOptions, owner: SideOwner) {
    const { spec, incarnation, housing, ports } = options;
    this.exited = this.#exit.promise;
    this.up = this.#start.promise;
    this.up.catch(() => undefined);
    this.#options = options;
    this.#owner = owner;
    this.account = new RemoteAccount({ path: spec.path, incarnation, ports });
    this.#frames = new RemoteFrames(housing.link, ports.clock, this.#sink());
  }

  /** Called once, when its owner is whole: what came earlier is taken at once. */
  listen(): void {
    this.#options.housing.link.listen({
      data: (chunk) => this.#data(chunk),
      output: (stream, line) => this.account.printed(stream, line),
      ended: (end) => this.#lost(end),
    });
  }

  #sink(): FrameSink {
    return {
      ...this.#owner.frames,
      up: (message) => this.#cameUp(message),
      begun: (delivery) => this.#begun(delivery),
      log: (message) => this.account.said(message, this.given(message.delivery)),
      transition: (message) => this.account.transition(message, this.given(message.delivery)),
      beat: () => this.#heartbeat?.beat(),
      exit: (message) => this.#told(message),
    };
  }

  /** What its behaviour is; undefined: it is not up yet, or did not come up. */
  get behaviour(): RemoteBehaviour | undefined {
    return this.#behaviour;
  }

  get isOver(): boolean {
    return this.#ended !== undefined;
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** How it ended; undefined: it has not. */
  get ended(): ExitReason | undefined {
    return this.#ended;
  }

  /** When its code last got on, on the monotonic clock. */
  get steppedAtMs(): number {
    return this.#steppedAtMs;
  }

  get bound(): string {
    return this.#options.housing.link.bound;
  }

  describe(): ActorDescription {
    return this.#behaviour?.describe() ?? { intents: {}, states: [] };
  }

  stats(figures: MailboxFigures): ActorStats {
    return this.account.stats(figures, this.#ended?.kind === "failed");
  }

  /** What a changed manifest leaves of its intents. */
  narrow({ intents }: Pick<ActorSpec, "intents">): Result<AcceptedIntents, CellError> {
    const { path } = this.#options.spec;
    return this.#behaviour?.narrow({ path, intents }) ?? err(this.gone());
  }

  /** The intent that a frame names as its cause. @throws CellError ACTOR_CHANNEL_VIOLATED */
  given(delivery: bigint): ReceivedIntent | undefined {
    const intent = this.#owner.handed.intentOf(delivery);
    if (intent === null) throw violation(`delivery ${delivery} was never made`);
    return intent;
  }

  send(frame: Uint8Array): void {
    this.#options.housing.link.send(frame);
  }

  stepped(): void {
    this.#steppedAtMs = this.#options.ports.clock.monotonicMs();
  }

  /** The answer to whoever comes too late. */
  gone(): CellError {
    return new CellError("ACTOR_NOT_RUNNING", undefined, { where: this.#options.spec.path });
  }

  stop(graceMs: number): Promise<ExitReason> {
    if (this.isOver || this.isStopping) return this.exited;
    const { clock } = this.#options.ports;
    const cancel = clock.setTimer(graceMs, () => void this.end({ kind: "killed" }));
    this.#stopping = { untilMs: clock.monotonicMs() + graceMs, cancel, told: false };
    this.#owner.feed();
    return this.exited;
  }

  /** Once it is up and is to stop: there is nothing left for it but that. */
  tellStop(): void {
    if (this.#behaviour === undefined || this.#stopping === undefined || this.#stopping.told) return;
    this.#stopping.told = true;
    const graceMs = Math.max(0, Math.ceil(this.#stopping.untilMs - this.#options.ports.clock.monotonicMs()));
    this.send(toActorFrame({ case: "stop", value: { graceMs } }));
  }

  /** Ends it with a failure that the intent in hand is to blame for. */
  fail(failure: Failure): Promise<ExitReason> {
    return this.#failed(failure, this.#owner.handed.suspect());
  }

  end(reason: ExitReason, startError?: CellError): Promise<ExitReason> {
    if (this.#ended !== undefined) return this.exited;
    this.#ended = reason;
    this.#stopping?.cancel();
    this.#heartbeat?.stop();
    this.#frames.stop();
    this.account.close();
    this.#options.housing.link.kill();
    this.#ended = this.#owner.ended(reason);
    this.#start.reject(startError ?? notUp(this.#options.spec.path, this.#ended));
    this.#exit.resolve(this.#ended);
    return this.exited;
  }

  /** Code that sends what does not fit is hostile, or broken beyond what its own host catches. */
  #data(chunk: Uint8Array): void {
    try {
      this.#frames.take(chunk);
    } catch (thrown) {
      const known = asCellError(thrown);
      this.#found(
        known ?? new CellError("ACTOR_CHANNEL_VIOLATED", undefined, { cause: thrown }),
        "treachery",
      );
    }
  }

  #cameUp({ description, state }: ActorUp): void {
    const { spec, ports } = this.#options;
    this.#behaviour = new RemoteBehaviour(description, spec);
    this.#owner.cameUp?.(this.#behaviour.accepted);
    this.account.startsIn(state);
    const { progressMs = DEFAULT_PROGRESS_MS } = spec;
    const missed = () => this.#stuck(progressMs);
    this.#heartbeat = new Heartbeat({ clock: ports.clock, progressMs, missed });
    this.#start.resolve();
    this.#owner.feed();
  }

  #begun(delivery: bigint): void {
    this.stepped();
    const { handed: given, feed } = this.#owner;
    const handed = given.find(delivery);
    if (handed === undefined) return;
    if (handed === null || handed.begun) throw violation(`delivery ${delivery} cannot be begun`);
    given.begin(handed);
    this.account.begun(handed.accepted);
    feed();
  }

  /** Its last word. That it was stopped is believed only when it was told to. */
  #told({ kind, fault, error }: ActorExit): void {
    const { housing, spec } = this.#options;
    if (this.#behaviour === undefined && error !== undefined) {
      void this.end({ kind: "killed" }, fromStartError(error, housing.original));
    } else if (kind === "normal" || (this.isStopping && (kind === "shutdown" || kind === "killed"))) {
      void this.end({ kind });
    } else if (kind === "failed" && fault !== undefined) {
      const intent = this.#owner.blamed?.(fault) ?? this.given(fault.delivery);
      const told = toldFailure(fault, spec.path, housing.original);
      void this.#failed(this.#owner.told?.(told, fault) ?? told, intent);
    } else throw violation(`it ends as \`${kind.slice(0, 20)}\``);
  }

  #lost(end: LinkEnd): void {
    if (this.isStopping && end.kind !== "memory") void this.end({ kind: "killed" });
    else this.#found(errorOfEnd(end), classOfEnd(end));
  }

  #stuck(progressMs: number): void {
    const what = `its event loop has stood still for ${progressMs} ms`;
    this.#found(new CellError("ACTOR_STUCK", what, { where: this.#options.spec.path }), "hang");
  }

  #found(error: CellError, failureClass: FailureClass): void {
    void this.fail(foundFailure(error, failureClass, this.#options.spec.path));
  }

  #failed(failure: Failure, suspect: ReceivedIntent | undefined): Promise<ExitReason> {
    if (this.isOver || suspect === undefined) return this.end({ kind: "failed", failure });
    const told = { ...failure, intent: intentRef(suspect) };
    return this.end({ kind: "failed", failure: this.#owner.counted?.(told, suspect) ?? told });
  }
}
