// The node's handle of a durable actor that runs in a worker or a process. The host
// that decides, commits and performs is there; the journal's intents, the commits and
// the ways out are here, and only what was handed over or committed goes through them.
import { CellError } from "../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../errors/result.ts";
import type { ActorFault, ActorReply } from "../../../gen/cell0/v1/channel_pb.ts";
import type { ActorSpec } from "../../../manifest/graph.ts";
import { checkPayload } from "../../accepted-intents.ts";
import type { ActorDescription, ActorHost, ActorStats } from "../../actor-host.ts";
import type { ExitReason, Failure, Incarnation } from "../../child.ts";
import { classOfRefusal } from "../../durable/class-of-refusal.ts";
import { heldKiller } from "../../durable/held-event.ts";
import type { DurablePorts, DurableState } from "../../durable/ports.ts";
import type { Delivery, ReceivedIntent } from "../../intent.ts";
import { readPayload } from "../../payload.ts";
import type { ActorPorts } from "../../ports.ts";
import type { Progress } from "../../progress.ts";
import { countedFor } from "../../succession.ts";
import { deliveryFrame, fromOutcome } from "../messages.ts";
import { foundFailure, violation } from "../remote-failure.ts";
import { RemoteSide, type RemoteSideOptions, type SideOwner } from "../remote-side.ts";
import { Deliveries } from "./deliveries.ts";
import { DurableChannel } from "./durable-channel.ts";

/** Intents that wait at the actor's side: enough for one commit. */
export const DURABLE_WINDOW = 64;
const FULL_RETRY_MS = 50;

export type RemoteDurableOptions = RemoteSideOptions & {
  readonly codeHash: string;
  readonly durable: DurablePorts;
  /** Of the last commit; absent: it never ran. */
  readonly state?: DurableState | undefined;
};

export class RemoteDurableHost implements ActorHost {
  readonly path: string;
  readonly incarnation: Incarnation;
  readonly #ports: ActorPorts;
  readonly #deliveries: Deliveries;
  readonly #channel: DurableChannel;
  readonly #side: RemoteSide;

  /** @throws CellError ACTOR_STATE_INVALID */
  constructor(options: RemoteDurableOptions) {
    const { spec, codeHash, incarnation, ports, durable, state } = options;
    this.path = spec.path;
    this.incarnation = incarnation;
    this.#ports = ports;
    this.#deliveries = new Deliveries(spec.mailbox);
    this.#channel = new DurableChannel({
      ...{ durable, state, codeHash },
      nowUnixMs: () => ports.clock.unixMs(),
      reply: (frame) => this.#side.send(frame),
      refused: (error) => this.#uncommitted(error),
      committed: () => this.#side.stepped(),
    });
    this.#side = new RemoteSide(options, {
      handed: this.#deliveries,
      frames: this.#frames(),
      feed: () => this.#feed(),
      told: (failure, fault) => this.#told(failure, fault),
      blamed: (fault) => this.#blamed(fault),
      counted: (failure, suspect) => this.#counted(failure, suspect),
      ended: (reason) => {
        this.#channel.stop();
        return reason;
      },
    });
    this.#side.listen();
  }

  #frames(): SideOwner["frames"] {
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
      reply: (message) => this.#reply(message),
      request: () => {
        throw violation("a durable actor sends by its outbox only");
      },
      state: () => {
        throw violation("a durable actor keeps its state by commits only");
      },
    };
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
    const { journaled } = delivery;
    if (journaled === undefined)
      return err(new CellError("ACTOR_NOT_JOURNALED", undefined, { where: this.path }));
    if (this.#deliveries.isFull) {
      const options = { where: this.path, retryAfterMs: FULL_RETRY_MS };
      return err(new CellError("ACTOR_MAILBOX_FULL", undefined, options));
    }
    if (!this.#hasWork) this.#side.stepped();
    const refused = this.#ports.succession?.refuses(delivery) ?? this.#narrowed(delivery.intent);
    this.#deliveries.add(delivery, journaled, refused, this.#ports.clock.monotonicMs());
    this.#feed();
    return ok(undefined);
  }

  stats(): ActorStats {
    const { busySinceMs, depth, open } = this.#deliveries;
    return this.#side.stats({ mailboxDepth: depth, openRequests: open, busySinceMs });
  }

  describe(): ActorDescription {
    return this.#side.describe();
  }

  reconfigure(spec: Pick<ActorSpec, "mailbox" | "intents">): Result<void, CellError> {
    const accepted = this.#side.narrow(spec);
    if (!accepted.ok) return accepted;
    this.#deliveries.configure(spec.mailbox);
    return ok(undefined);
  }

  /** None: what it goes on from is in the stream. */
  lastGoodSnapshot(): undefined {
    return undefined;
  }

  progress(): Progress {
    return {
      // A commit that is not kept for long ends it by itself: it is no hang.
      hasWork: !this.#side.isOver && this.#hasWork && !this.#channel.isCommitting,
      steppedAtMs: this.#side.steppedAtMs,
      waitsForOthers: this.#channel.isWaiting,
      deadlineUnixMs: this.#deliveries.latestDeadlineUnixMs,
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

  /** What is not to be tried again of what the state would run again or holds, with its answer. */
  refusals(): { readonly id: string; readonly error: CellError }[] {
    const { succession } = this.#ports;
    const { given } = this.#channel;
    const redone = given.redone().flatMap((intent) => {
      // Whom it was for is no word of that side's.
      const own = { ...intent, target: this.path };
      const error = succession?.refuses({ intent: own, respond: () => {} });
      return error === undefined ? [] : [{ id: intent.id, error }];
    });
    const held = given.held().filter((key) => succession?.isPoison(heldKiller(this.path, key)));
    return [...redone, ...held.map((id) => ({ id, error: new CellError("ACTOR_INTENT_POISONOUS") }))];
  }

  get #hasWork(): boolean {
    return this.#deliveries.depth + this.#deliveries.open > 0;
  }

  /** What the manifest leaves of the intents is judged here; the answer is committed like any other. */
  #narrowed({ type, contentType, payload }: ReceivedIntent): CellError | undefined {
    const { behaviour } = this.#side;
    if (behaviour === undefined) return undefined;
    const accepted = behaviour.accepted.get(type);
    if (accepted === undefined)
      return behaviour.declares(type)
        ? new CellError("ACTOR_INTENT_UNKNOWN", undefined, { where: this.path })
        : undefined;
    if (accepted.extra === undefined) return undefined;
    const read = readPayload(contentType, payload);
    const checked = read.ok ? checkPayload(accepted, read.value) : read;
    return checked.ok ? undefined : checked.error;
  }

  /** Hands over what the actor's side has room for; once it is to stop, nothing more. */
  #feed(): void {
    if (this.#side.behaviour === undefined || this.#side.isOver) return;
    this.#side.tellStop();
    while (!this.#side.isStopping) {
      const next = this.#deliveries.next(DURABLE_WINDOW);
      if (next === undefined) return;
      const { accepted, journaled, refused } = next.waiting;
      const { intent } = accepted.delivery;
      this.#channel.given.add(intent, journaled);
      this.#side.send(deliveryFrame(next.number, intent, { journaled, refused }));
    }
  }

  #reply({ delivery: number, outcome, refused }: ActorReply): void {
    const handed = this.#deliveries.find(number);
    if (handed === null) throw violation(`a reply to delivery ${number}, which was never made`);
    const read = fromOutcome(outcome);
    // It has been answered, or was asked again since.
    if (handed === undefined) return;
    const { accepted, begun } = handed;
    const { account } = this.#side;
    accepted.replies += 1;
    accepted.delivery.respond(
      read.ok
        ? { kind: "value", ...read.value }
        : { kind: "error", error: read.error, ...(refused ? { begun: false } : {}) },
    );
    const isLast = !read.ok || read.value.final;
    if (begun) account.replied(accepted, isLast);
    if (!isLast) return;
    const error = read.ok ? undefined : read.error;
    if (begun) account.finished(accepted, error);
    else if (error !== undefined) account.refused(accepted, error);
    if (this.#deliveries.finish(accepted)) this.#channel.given.answered(accepted.delivery.intent.id);
    this.#feed();
  }

  /** What it failed at, by the intent's own name where it is one that it was given. */
  #blamed({ intent }: ActorFault): ReceivedIntent | undefined {
    const meta = intent === "" ? undefined : this.#channel.given.find(intent);
    return meta && { ...meta, target: this.path, payload: NO_PAYLOAD };
  }

  /** An event that the state holds is in none of the intents; it is counted by itself. */
  #told(failure: Failure, { intent: key }: ActorFault): Failure {
    const isHeld = this.#channel.given.held().includes(key);
    if (!isHeld) return failure;
    return countedFor({ ...failure, heldEvent: key }, heldKiller(this.path, key), this.#ports.succession);
  }

  /** What was in hand comes again from the journal, unless it has killed too often. */
  #counted(failure: Failure, suspect: ReceivedIntent): Failure {
    const counts = failure.class !== "treachery" && this.#side.behaviour !== undefined;
    return countedFor(failure, counts ? suspect : undefined, this.#ports.succession);
  }

  /** Nothing is known to be kept, or another incarnation owns the actor: no intent is to blame. */
  #uncommitted(error: CellError): void {
    const failure: Failure = { ...foundFailure(error, classOfRefusal(error), this.path), origin: "kernel" };
    void this.#side.end({ kind: "failed", failure });
  }
}

const NO_PAYLOAD = new Uint8Array();
