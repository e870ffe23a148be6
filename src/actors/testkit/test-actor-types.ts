// What a test sees of the actor that it runs.
import type { AnyStateMachine, SnapshotFrom } from "xstate";
import type { z } from "zod";
import type { CellError } from "../../errors/cell-error.ts";
import type { Json, WhenFull } from "../../manifest/graph.ts";
import type { EventInput } from "../../telemetry/event.ts";
import type { ActorHost } from "../actor-host.ts";
import type { Behaviour } from "../behaviour.ts";
import type { ExitReason } from "../child.ts";
import type { DurableState } from "../durable/ports.ts";
import type { LogLevel } from "../effect.ts";
import type { PriorityName } from "../intent.ts";
import type { IntentDefinitions } from "../intent-definition.ts";
import type { CommitFault } from "./memory-durability.ts";

export type TestActorOptions<Input> = {
  readonly input?: Input;
  /** Of Math.random in the behaviour's synchronous code. Default 1. */
  readonly seed?: number;
  /** Virtual time at the start. Default 2026-01-01T00:00:00Z. */
  readonly startUnixMs?: number;
  readonly path?: string;
  readonly mailbox?: { readonly bound: number; readonly whenFull: WhenFull };
  /** As in a manifest: narrows what is accepted. */
  readonly intents?: Readonly<Record<string, { readonly payload?: Json }>>;
  /** As in a manifest; a journal and a state stream in memory take the cell's place. */
  readonly durable?: boolean;
  /** Of the code, for a durable actor; a restart with another asks for a migration. */
  readonly codeHash?: string;
};

/** An intent that the actor sent. */
export type SentIntent = {
  readonly target: string;
  readonly intent: string;
  readonly payload: unknown;
  /** That it rests on, base64url. */
  readonly capability?: string;
  readonly priority: PriorityName;
  readonly timeoutMs: number;
  /** Whether it was sent with `request`, and can be answered by `deliverReply`. */
  readonly wantsReply: boolean;
};

/** An intent given to the actor, and what became of it. */
export type DeliveredIntent<Reply = unknown> = {
  readonly id: string;
  /** Values replied so far. */
  readonly replies: readonly Reply[];
  readonly error: CellError | undefined;
  /** Whether the final reply, or an error, has come. */
  readonly answered: boolean;
};

export type DeliverOptions = {
  /** Virtual milliseconds until the deadline. Default 5000. */
  readonly timeoutMs?: number;
  readonly priority?: PriorityName;
  readonly principal?: string;
  readonly source?: string;
};

export type PayloadOf<I extends IntentDefinitions, K extends keyof I> = z.input<I[K]["payload"]>;
export type ReplyOf<I extends IntentDefinitions, K extends keyof I> = I[K]["reply"] extends z.ZodType
  ? z.output<I[K]["reply"]>
  : Record<string, never>;

export interface TestActor<
  M extends AnyStateMachine = AnyStateMachine,
  I extends IntentDefinitions = IntentDefinitions,
> {
  /** Intents that the actor sent, in order. */
  readonly sent: readonly SentIntent[];
  readonly logs: readonly { readonly level: LogLevel; readonly message: string }[];
  /** All that the host recorded. */
  readonly events: readonly EventInput[];
  readonly state: SnapshotFrom<M>["value"];
  readonly context: SnapshotFrom<M>["context"];
  /** Set once it has ended. */
  readonly exit: ExitReason | undefined;
  readonly host: ActorHost;
  readonly nowUnixMs: number;
  /**
   * Sends an intent and returns its last reply. While no answer comes, virtual time is
   * moved on, to the deadline at most. @throws CellError the coded answer
   */
  request<K extends keyof I & string>(
    type: K,
    payload: PayloadOf<I, K>,
    options?: DeliverOptions,
  ): Promise<ReplyOf<I, K>>;
  /** Sends an intent; time stands still. A refusal at the door is its `error`. */
  deliver<K extends keyof I & string>(
    type: K,
    payload: PayloadOf<I, K>,
    options?: DeliverOptions,
  ): Promise<DeliveredIntent<ReplyOf<I, K>>>;
  /** Answers a request that the actor sent. */
  deliverReply(sent: SentIntent, value: unknown, options?: { readonly final?: boolean }): Promise<void>;
  /** Answers a request that the actor sent with an error. */
  deliverError(sent: SentIntent, error: CellError): Promise<void>;
  /** Moves virtual time on, firing each timer at its time. */
  advance(ms: number): Promise<void>;
  /** Lets everything happen that needs no time: queued intents, and promises that wait for nothing outside. */
  settle(): Promise<void>;
  /**
   * Starts a new incarnation as a supervisor does after a failure: from the last good snapshot;
   * a durable one from its last commit, with the journal delivered again.
   * @param behaviour and codeHash: the code has changed meanwhile
   */
  restart(changed?: { readonly behaviour: Behaviour; readonly codeHash: string }): Promise<void>;
  /** The process dies now: nothing more is decided, committed or performed; faults that wait are forgotten. */
  crash(): Promise<void>;
  /** Decides what becomes of a durable actor's next commit. */
  failCommit(fault: CommitFault): void;
  /** A durable actor's process dies in the middle of what it performs: before reply or send `count` + 1 from now. */
  crashAfterEffects(count: number): void;
  /** The last commit of a durable actor. */
  readonly committed: DurableState | undefined;
  stop(graceMs?: number): Promise<ExitReason>;
  [Symbol.asyncDispose](): Promise<void>;
}
