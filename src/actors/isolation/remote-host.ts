// The node's handle of an actor that runs in a worker or a process: the mailbox and
// the answers owed are kept here, the behaviour and its machine there. Whatever comes
// from there is judged by what was given to it; whoever waits is answered all the same.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { ActorReply } from "../../gen/cell0/v1/channel_pb.ts";
import type { ActorSpec } from "../../manifest/graph.ts";
import type { ActorDescription, ActorHost, ActorSnapshot, ActorStats } from "../actor-host.ts";
import type { ExitReason, Failure, Incarnation } from "../child.ts";
import { Intake } from "../intake.ts";
import type { Delivery } from "../intent.ts";
import type { Accepted } from "../open-requests.ts";
import type { ActorPorts } from "../ports.ts";
import type { Progress } from "../progress.ts";
import { judge, type Leftovers, leave } from "../succession.ts";
import { parseBounded } from "./bounded-json.ts";
import { HandedOver } from "./handed-over.ts";
import { deliveryFrame, fromOutcome } from "./messages.ts";
import { violation } from "./remote-failure.ts";
import { RemoteRequests } from "./remote-requests.ts";
import { RemoteSide, type RemoteSideOptions } from "./remote-side.ts";

/** Intents handed over that wait at the actor's side; the rest wait here, in their priorities. */
export const WINDOW = 16;

export class RemoteHost implements ActorHost {
  readonly path: string;
  readonly incarnation: Incarnation;
  readonly #ports: ActorPorts;
  readonly #intake: Intake;
  readonly #handed = new HandedOver();
  readonly #requests: RemoteRequests;
  readonly #side: RemoteSide;
  #snapshot: Uint8Array | undefined;

  constructor(options: RemoteSideOptions) {
    const { spec, incarnation, ports } = options;
    this.path = spec.path;
    this.incarnation = incarnation;
    this.#ports = ports;
    this.#intake = new Intake(spec, new Map(), ports.clock, {
      replied: (accepted, final) => this.#side.account.replied(accepted, final),
      finished: (accepted, error) => this.#finished(accepted, error),
      refused: (accepted, error) => this.#refused(accepted, error),
    });
    this.#requests = new RemoteRequests({
      send: (intent) => ports.send(intent),
      reply: (frame) => this.#side.send(frame),
      warn: (message, intent) => this.#side.account.warn(message, intent),
    });
    this.#side = new RemoteSide(options, {
      handed: this.#handed,
      frames: {
        reply: (message) => this.#reply(message),
        request: (message) => this.#requests.send(message, this.#side.given(message.cause)),
        state: (snapshot) => this.#keep(snapshot),
      },
      feed: () => this.#feed(),
      cameUp: (accepted) => this.#intake.configure(spec.mailbox, accepted),
      ended: (reason) => this.#ended(reason),
    });
    this.#side.listen();
  }

  get exited(): Promise<ExitReason> {
    return this.#side.exited;
  }

  /** Resolves when its behaviour runs; rejects with what kept it from coming up. */
  get up(): Promise<void> {
    return this.#side.up;
  }

  get bound(): string {
    return this.#side.bound;
  }

  deliver(delivery: Delivery): Result<void, CellError> {
    if (this.#side.isOver || this.#side.isStopping) return err(this.#side.gone());
    if (this.#intake.depth + this.#intake.openRequests === 0) this.#side.stepped();
    const accepted = this.#intake.accept(delivery);
    if (accepted.ok) this.#feed();
    else this.#side.account.refusedAtTheDoor();
    return accepted;
  }

  /** What the incarnation before left. What was begun there cannot be answered from here. */
  inherit(leftovers: Leftovers): void {
    this.#intake.inherit(leftovers, false, new CellError("ACTOR_CRASHED", undefined, { where: this.path }));
    this.#feed();
  }

  stats(): ActorStats {
    const { busySinceMs, waiting } = this.#handed;
    return this.#side.stats({
      mailboxDepth: this.#intake.depth + waiting,
      openRequests: this.#intake.openRequests - waiting,
      busySinceMs,
    });
  }

  describe(): ActorDescription {
    return this.#side.describe();
  }

  reconfigure(spec: Pick<ActorSpec, "mailbox" | "intents">): Result<void, CellError> {
    const accepted = this.#side.narrow(spec);
    if (!accepted.ok) return accepted;
    this.#intake.configure(spec.mailbox, accepted.value);
    return ok(undefined);
  }

  lastGoodSnapshot(): ActorSnapshot | undefined {
    if (this.#side.ended?.kind === "normal" || this.#snapshot === undefined) return undefined;
    try {
      // Whoever restores it reads it with suspicion, see snapshot.ts.
      return parseBounded(this.#snapshot, "its snapshot") as ActorSnapshot;
    } catch {
      return undefined;
    }
  }

  progress(): Progress {
    return {
      hasWork: !this.#side.isOver && this.#intake.depth + this.#intake.openRequests > 0,
      steppedAtMs: this.#side.steppedAtMs,
      waitsForOthers: this.#requests.isWaiting,
      deadlineUnixMs: this.#intake.latestDeadlineUnixMs(),
    };
  }

  fail(failure: Failure): Promise<ExitReason> {
    return this.#side.fail(failure);
  }

  stop(graceMs: number): Promise<ExitReason> {
    return this.#side.stop(graceMs);
  }

  kill(): Promise<ExitReason> {
    return this.#side.end({ kind: "killed" });
  }

  /** Hands over what the actor's side has room for; tells it to stop when nothing is left for it. */
  #feed(): void {
    if (this.#side.behaviour === undefined || this.#side.isOver) return;
    while (this.#handed.waiting < WINDOW) {
      const next = this.#intake.take();
      if (next === undefined) break;
      this.#side.send(deliveryFrame(this.#handed.add(next), next.delivery.intent));
    }
    if (this.#intake.depth === 0) this.#side.tellStop();
  }

  #reply({ delivery, outcome, refused }: ActorReply): void {
    const handed = this.#handed.find(delivery);
    if (handed === null) throw violation(`a reply to delivery ${delivery}, which was never made`);
    const read = fromOutcome(outcome);
    // Its deadline was first.
    if (handed === undefined) return;
    const { accepted, begun } = handed;
    const { id } = accepted.delivery.intent;
    if (!begun) {
      if (!refused || read.ok) throw violation(`a reply to delivery ${delivery}, which was not begun`);
      this.#intake.giveBack(accepted, read.error);
    } else if (read.ok) this.#intake.reply(id, read.value.value, read.value.final);
    else this.#intake.fail(id, read.error);
    this.#feed();
  }

  #keep(snapshot: Uint8Array): void {
    this.#side.stepped();
    this.#handed.turnEnded();
    this.#snapshot = snapshot.byteLength === 0 ? undefined : new Uint8Array(snapshot);
  }

  #ended(reason: ExitReason): ExitReason {
    this.#requests.stop();
    const ended = this.#leave(reason);
    const gone = this.#side.gone();
    for (const accepted of this.#handed.unbegun()) this.#intake.giveBack(accepted, gone);
    const begun = reason.kind === "failed" ? crashed(this.path, reason.failure) : gone;
    this.#intake.close(
      () => begun,
      () => gone,
    );
    return ended;
  }

  /** Leaves what is unanswered to the next incarnation. What the kept state does not know of is tried again. */
  #leave(reason: ExitReason): ExitReason {
    const { succession } = this.#ports;
    if (succession === undefined || this.#side.behaviour === undefined) return reason;
    const judged = reason.kind === "failed" ? judge(reason.failure, this.#intake, succession) : undefined;
    const again = this.#handed.isInTurn(judged?.again) ? judged?.again : undefined;
    const ended: ExitReason = judged === undefined ? reason : { kind: "failed", failure: judged.failure };
    leave(this.#intake, succession, ended, again, new Set(this.#handed.unbegun()));
    return ended;
  }

  #finished(accepted: Accepted, error: CellError | undefined): void {
    if (this.#handed.finish(accepted) === true) this.#side.account.finished(accepted, error);
    else if (error !== undefined) this.#side.account.refused(accepted, error);
    this.#feed();
  }

  #refused(accepted: Accepted, error: CellError): void {
    this.#handed.finish(accepted);
    this.#side.account.refused(accepted, error);
  }
}

/** The failure stays on this side: details never cross a process boundary. */
const crashed = (where: string, failure: Failure): CellError =>
  new CellError("ACTOR_CRASHED", undefined, { where, details: { failure } });
