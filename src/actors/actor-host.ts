// The handle of a running actor: what a supervisor, the intake and `cell0 get`
// use of it.
import type { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import type { ActorSpec, Json } from "../manifest/graph.ts";
import type { Child, ExitReason, Failure } from "./child.ts";
import type { Delivery } from "./intent.ts";
import type { MachineState } from "./machine-state.ts";
import type { RequestRecord } from "./outgoing-requests.ts";
import type { Progress } from "./progress.ts";

/** Plain JSON; what a restart goes on from. */
export type ActorSnapshot = MachineState & {
  readonly format: 1;
  /** Requests whose answers are lost with the incarnation. */
  readonly requests: readonly RequestRecord[];
};

export type ActorStats = {
  /** The machine's state, e.g. "open.waiting"; empty for a machine without states. */
  readonly state: string;
  /** Intents accepted and not begun; under `whenFull: block` it may exceed the mailbox's bound. */
  readonly mailboxDepth: number;
  /** Intents that were begun and whose answer is still owed. */
  readonly openRequests: number;
  readonly handled: number;
  /** Intents refused: unknown, invalid, mailbox full, too late. */
  readonly refused: number;
  /** Failures of this incarnation: 0 or 1. */
  readonly crashed: number;
  readonly startedAtUnixMs: number;
  /** Since when the oldest unanswered intent is in hand; absent when idle. */
  readonly busySinceUnixMs: number | undefined;
};

export type IntentDescription = {
  readonly description: string;
  /** JSON Schema, as sent. */
  readonly payload: Json;
  /** JSON Schema; null: the reply is empty. */
  readonly reply: Json;
  /** The manifest's own schema, checked too; null: none. */
  readonly manifest: Json;
};

export type ActorDescription = {
  readonly intents: Readonly<Record<string, IntentDescription>>;
  /** All states of the machine, e.g. "open.waiting". */
  readonly states: readonly string[];
  /** What the behaviour states of its durable state; absent: nothing. */
  readonly version?: string | number;
};

export interface ActorHost extends Child {
  /** What holds it, one line; absent: it shares the node's event loop. */
  readonly bound?: string | undefined;
  /** Of a durable actor: whether it is in memory. */
  readonly isAwake?: boolean;
  /**
   * Takes an intent. An error is the caller's to answer and nothing was taken; after `ok`
   * this actor answers exactly once, at the latest at the deadline. Never throws.
   */
  deliver(delivery: Delivery): Result<void, CellError>;
  stats(): ActorStats;
  describe(): ActorDescription;
  /** What its progress is judged by; absent: it is judged by itself; undefined: nobody is awake to be judged. */
  progress?(): Progress | undefined;
  /**
   * Ends it with a failure that was found from outside, such as a hang; the intent in hand
   * longest is named in it.
   */
  fail(failure: Failure): Promise<ExitReason>;
  /** Changes what needs no restart. An error: nothing changed. */
  reconfigure(spec: Pick<ActorSpec, "mailbox" | "intents">): Result<void, CellError>;
  /**
   * What a restart may go on from: the state after the last event that was handled without
   * a failure. Undefined when the state is not plain JSON, when the behaviour says
   * `onRestart: "fresh"`, and after a normal end.
   */
  lastGoodSnapshot(): ActorSnapshot | undefined;
}
