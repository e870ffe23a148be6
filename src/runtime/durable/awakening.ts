// What one incarnation of a durable actor is started with.
import type { ActorHost } from "../../actors/actor-host.ts";
import type { ExitReason, Incarnation } from "../../actors/child.ts";
import type { DurablePorts, DurableState, StoredReply } from "../../actors/durable/ports.ts";

/** What it goes on from. */
export type Resumption = {
  /** Undefined: it begins. Its replies may not have left, and are given once more. */
  readonly state: DurableState | undefined;
  /** Answers that have left, for who asks again. */
  readonly answered?: readonly StoredReply[];
  /** This process made it, and kept it in memory. */
  readonly isOwn?: boolean;
  /**
   * The end before was no commit of several steps that could not be kept: there is none to be
   * found by committing them one by one.
   */
  readonly isCleared?: boolean;
};

export type Awakening = Resumption & {
  readonly incarnation: Incarnation;
  readonly durable: DurablePorts;
};

/** One whose code is here is up when the call returns. */
export type StartIncarnation = (awakening: Awakening) => ActorHost | Promise<ActorHost>;

/** The incarnation that follows: never one that has been. */
export function after(last: Incarnation | undefined, given: Incarnation): Incarnation {
  if (last === undefined || last.term < given.term) return given;
  return { term: last.term, activation: Math.max(given.activation, last.activation + 1) };
}

/** Whether it may be a commit of several steps that could not be kept: anything else names its intent. */
export const isUnexplained = (reason: ExitReason): boolean =>
  reason.kind === "failed" && reason.failure.origin === "kernel" && reason.failure.intent === undefined;
