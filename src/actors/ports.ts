// What an actor's host needs from outside. The composition root fills these in;
// the test kit puts virtual time and seeded randomness in their place.
import type { EventInput } from "../telemetry/event.ts";
import type { OutgoingIntent } from "./intent.ts";
import type { SuccessionPort } from "./succession.ts";
import type { TurnScheduler } from "./turn.ts";

export type ActorClock = {
  /** Milliseconds since the Unix epoch. */
  unixMs(): number;
  /** Milliseconds that never step back, with fractions. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs`, unless the returned function is called before. */
  setTimer(delayMs: number, fire: () => void): () => void;
};

export type ActorPorts = {
  /**
   * Sends an intent in the actor's name. A refusal reaches `onReply`; without one it is
   * the port's to record. What it throws counts as a refusal.
   */
  send(intent: OutgoingIntent): void;
  /** Must not throw. */
  record(input: EventInput): void;
  readonly clock: ActorClock;
  /** Uniform in [0, 1): names timers and children that the behaviour leaves unnamed. */
  random(): number;
  /** Absent: what is unanswered at a failure is answered with it. */
  readonly succession?: SuccessionPort;
  /** Default: the process's own, shared by all actors. */
  readonly turns?: TurnScheduler;
};
