// When that which an actor decided comes about. A volatile actor performs each step
// as soon as it is decided; a durable one after the step's commit. The host decides
// and hands over; it never performs by itself.
import type { AnyEventObject } from "xstate";
import type { Delivery, ReceivedIntent } from "./intent.ts";

/** `own`: an action that the behaviour wrote as a plain function. */
export type WorkKind = "own" | "effect";

export type Stage = {
  /** Whether state and unanswered intents outlive the incarnation. */
  readonly keeps: boolean;
  /** Whether a further intent or event may be decided now. */
  readonly isOpen: boolean;
  /** A step begins. `event`: undefined for the initial one. */
  begin(event: AnyEventObject | undefined): void;
  /** The step is decided in whole. */
  decided(): void;
  /** The step threw: of it nothing must come about. */
  discard(): void;
  /** Does what a decision asks of the world, in order. `intent`: in whose name. */
  perform(work: () => void, intent: ReceivedIntent | undefined, kind?: WorkKind): void;
  /** Like `perform` for a record, which never is a reason to commit. */
  note(work: () => void): void;
  /** What is to become of this intent is decided: it is not to be begun again. */
  settled(delivery: Delivery): void;
  /** A child's state has changed by itself. */
  touched(): void;
  /** Nothing more is decided. Calls `end` when what was decided has come about. */
  close(end: () => void): void;
  /** The actor has ended: what has not come about by now never will. */
  ended(): void;
};

/** A volatile actor's. */
export const immediately: Stage = {
  keeps: false,
  isOpen: true,
  begin() {},
  decided() {},
  discard() {},
  perform: (work) => work(),
  note: (work) => work(),
  settled() {},
  touched() {},
  close: (end) => end(),
  ended() {},
};
