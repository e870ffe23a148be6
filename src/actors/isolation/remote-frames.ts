// Sorts the frames of an actor's side: which may come when, what each costs, and
// who takes it. Bytes that are no frame, and frames out of place, are violations.
import { CellError } from "../../errors/cell-error.ts";
import type {
  ActorCommit,
  ActorExit,
  ActorLog,
  ActorRelay,
  ActorReply,
  ActorRequest,
  ActorReturn,
  ActorTransition,
  ActorUp,
  FromActor,
} from "../../gen/cell0/v1/channel_pb.ts";
import type { ActorClock } from "../ports.ts";
import { Budget } from "./budget.ts";
import { FrameReader, MAX_FROM_ACTOR_BYTES } from "./frames.ts";
import type { RemoteLink } from "./link.ts";
import { readFromActor } from "./messages.ts";

/** Frames a second before the actor's side is slowed down; a request costs the node more. */
const FRAMES_PER_SECOND = 20_000;
const REQUEST_COST = 8;
/** A frame costs one more for each of these, which leaves large ones some 80 MiB a second. */
const BYTES_PER_COST = 4096;
const COSTLY: ReadonlySet<string> = new Set(["request", "commit", "relay"]);
/** What may come before it is up: its own host holds back all else. */
const EARLY: ReadonlySet<string> = new Set(["ready", "up", "log", "beat", "exit"]);

/** Each may throw ACTOR_CHANNEL_VIOLATED. */
export type FrameSink = {
  up(message: ActorUp): void;
  begun(delivery: bigint): void;
  reply(message: ActorReply): void;
  request(message: ActorRequest): void;
  log(message: ActorLog): void;
  transition(message: ActorTransition): void;
  /** Empty: there is nothing to go on from. */
  state(snapshot: Uint8Array): void;
  beat(): void;
  exit(message: ActorExit): void;
  /** Absent: a volatile actor's side has no such frames. */
  readonly durable?: DurableSink;
};

/** Each may throw ACTOR_CHANNEL_VIOLATED. */
export type DurableSink = {
  commit(message: ActorCommit): void;
  relay(message: ActorRelay): void;
  returned(message: ActorReturn): void;
};

export class RemoteFrames {
  readonly #link: Pick<RemoteLink, "pause" | "resume">;
  readonly #clock: ActorClock;
  readonly #sink: FrameSink;
  readonly #reader = new FrameReader(MAX_FROM_ACTOR_BYTES);
  readonly #budget: Budget;
  #isUp = false;
  #isOver = false;
  #cancelPause: (() => void) | undefined;

  constructor(link: Pick<RemoteLink, "pause" | "resume">, clock: ActorClock, sink: FrameSink) {
    this.#link = link;
    this.#clock = clock;
    this.#sink = sink;
    this.#budget = new Budget(FRAMES_PER_SECOND, FRAMES_PER_SECOND, clock.monotonicMs());
  }

  /** @throws CellError ACTOR_CHANNEL_VIOLATED */
  take(chunk: Uint8Array): void {
    for (const bytes of this.#reader.push(chunk)) {
      if (this.#isOver) return;
      this.#sort(bytes);
    }
  }

  /** What still comes is dropped. */
  stop(): void {
    this.#isOver = true;
    this.#cancelPause?.();
  }

  #sort(bytes: Uint8Array): void {
    const { kind } = readFromActor(bytes);
    const name = kind.case ?? "";
    if (this.#isUp ? name === "up" || name === "ready" : !EARLY.has(name)) {
      throw new CellError("ACTOR_CHANNEL_VIOLATED", `a frame \`${name}\` out of place`);
    }
    const cost = COSTLY.has(name) ? REQUEST_COST : 1;
    this.#charge(cost + Math.floor(bytes.byteLength / BYTES_PER_COST));
    switch (kind.case) {
      case "up":
        this.#isUp = true;
        this.#sink.up(kind.value);
        return;
      case "begun":
        this.#sink.begun(kind.value.delivery);
        return;
      case "reply":
        this.#sink.reply(kind.value);
        return;
      case "request":
        this.#sink.request(kind.value);
        return;
      case "log":
        this.#sink.log(kind.value);
        return;
      case "transition":
        this.#sink.transition(kind.value);
        return;
      case "state":
        this.#sink.state(kind.value.snapshot);
        return;
      case "beat":
        this.#sink.beat();
        return;
      case "exit":
        this.#sink.exit(kind.value);
        return;
      case "ready":
        return;
      default:
        this.#sortDurable(kind);
    }
  }

  #sortDurable(kind: FromActor["kind"]): void {
    const { durable } = this.#sink;
    if (durable === undefined) throw new CellError("ACTOR_CHANNEL_VIOLATED", `a frame \`${kind.case}\``);
    switch (kind.case) {
      case "commit":
        durable.commit(kind.value);
        return;
      case "relay":
        durable.relay(kind.value);
        return;
      case "returned":
        durable.returned(kind.value);
        return;
      default:
    }
  }

  /** Beyond its share the actor's side is not read for a while, so that it waits and the node does not. */
  #charge(cost: number): void {
    const waitMs = this.#budget.charge(cost, this.#clock.monotonicMs());
    if (waitMs === 0 || this.#cancelPause !== undefined) return;
    this.#link.pause();
    this.#cancelPause = this.#clock.setTimer(Math.max(1, waitMs), () => {
      this.#cancelPause = undefined;
      this.#link.resume();
    });
  }
}
