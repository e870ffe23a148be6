// What a stage sees of its host: the parts that hold what was decided, and the ways to
// go on.
import type { AnyEventObject } from "xstate";
import type { ExitReason, Failure } from "./child.ts";
import type { Intake } from "./intake.ts";
import type { IntentRef, ReceivedIntent } from "./intent.ts";
import type { MachineDriver } from "./machine-driver.ts";
import type { OutgoingRequests } from "./outgoing-requests.ts";

export type Queued = {
  readonly event: AnyEventObject;
  readonly intent: ReceivedIntent | undefined;
  /** Its key, where a commit has kept it. */
  readonly held?: string;
};
export type Staged = {
  readonly path: string;
  readonly driver: MachineDriver;
  readonly intake: Intake;
  readonly outgoing: OutgoingRequests;
  /** Events from inside that wait. */
  waiting(): readonly Queued[];
  /** They waited in the incarnation before, and come before whatever has happened in this one. */
  inherit(events: readonly Queued[]): void;
  /** For whoever looks into the actor's record. */
  log(level: "warn", message: string, intent?: ReceivedIntent): void;
  /** There may be something to decide. */
  wake(): void;
  /** Runs the behaviour's code in the actor's name; a throw fails the actor. */
  guarded(intent: ReceivedIntent | undefined, work: () => void): void;
  fail(error: unknown, origin: Failure["origin"], intent?: IntentRef): void;
  /** At once, whatever was decided. */
  end(reason: ExitReason): void;
  /** The same for a failure that this intent led to: it counts as one of its kills. */
  killedBy(intent: ReceivedIntent, failure: Failure): void;
};
