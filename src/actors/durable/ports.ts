// What the host of a durable actor needs from outside, and what it hands out to be kept.
// The host decides, has the decision committed, and only then performs it; where and how
// a commit is kept (streams, signatures, fencing) is the port's.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { Json } from "../../manifest/graph.ts";
import type { IntentRef, OutgoingReply, PriorityName } from "../intent.ts";

/** Place of an accepted intent in its shard's journal; rises with every entry. */
export type JournalPosition = number;

/** An intent that left with a commit, until its target has taken it. Plain JSON. */
export type OutboxEntry = {
  /** Rises by one with each entry of the actor, over all incarnations: names the intent's id. */
  readonly sequence: number;
  readonly target: string;
  readonly intent: string;
  readonly payload: Json;
  /** Chain of capability tokens, base64url. */
  readonly capability?: string;
  readonly priority: PriorityName;
  readonly deadlineUnixMs: number;
  /** The intent in hand when it was sent. */
  readonly cause: IntentRef | undefined;
  /** Of the cause, when there is one: how many further sends it may cause, and its trace. */
  readonly hopLimit?: number;
  readonly traceparent?: string;
  readonly wantsReply: boolean;
};

/** What was answered to an intent that the commit applied, for who asks again. Plain JSON. */
export type StoredReply = {
  readonly intentId: string;
  readonly hash: string;
  /** Who sent it; nobody else gets the answer. */
  readonly sender: string;
  readonly deadlineUnixMs: number;
  readonly returnAddress: Json;
  /** How many replies to the same intent came before it. */
  readonly index: number;
  readonly outcome: /** `encoding`: the value is bytes, as base64. */
    | { readonly value: Json; readonly final: boolean; readonly encoding?: "base64" }
    | {
        readonly error: {
          readonly code: string;
          readonly message: string;
          readonly remedy: string;
          readonly retryable: boolean;
        };
        /** The actor never had it in hand: a later copy may be begun. */
        readonly begun?: false;
      };
};

/** One commit: everything about the actor that must come about together. Plain JSON. */
export type DurableState = {
  readonly format: 1;
  /** Behaviour's code that made it. */
  readonly codeHash: string;
  /** The host's own: machine with children and timers, open requests, intents whose answer is owed. */
  readonly host: Json;
  /** Highest applied position, by priority. */
  readonly applied: Readonly<Record<PriorityName, JournalPosition>>;
  /** Last outbox sequence applied, by path of the sending actor and priority: "a/b normal". */
  readonly sources: Readonly<Record<string, number>>;
  readonly outboxSequence: number;
  readonly outbox: readonly OutboxEntry[];
  /** Of the intents that this commit applied. */
  readonly replies: readonly StoredReply[];
};

export type CommitMeta = {
  /** Whether it must be awake without a further intent: outbox, children, near timers. */
  readonly pending: boolean;
  /** When the first of its timers is due; absent: none. */
  readonly wakeAtUnixMs?: number;
};

export type DurablePorts = {
  /**
   * Puts a commit into the stream, after the one before it. At most one is in flight.
   * ACTOR_FENCED: another incarnation owns the actor; the host ends at once and performs
   * nothing. Any other error: nothing is known to be kept; the host ends with it.
   * @param text the state as JSON, where it has been made already
   */
  commit(state: DurableState, meta: CommitMeta, text?: string): Promise<Result<void, CellError>>;
  /** All that follows from the last commit has been done, its answers given. */
  performed?(): void;
  /**
   * Brings a committed entry to its target; may be told the same entry again after a
   * restart. `done` is called once: the target has taken it, or its deadline has passed.
   * `onReply` is called for each reply when one is wanted. An entry that wants a reply stays
   * in the outbox until its request has ended, and is told again after a restart; replies that
   * come with their `index` are not taken twice then.
   */
  relay(entry: OutboxEntry, done: () => void, onReply?: (reply: RelayedReply) => void): void;
  /**
   * The way back to the sender of an intent that an earlier incarnation took. Never throws.
   * @param index of the first reply that will be given
   */
  responder(returnAddress: Json, index: number): (reply: OutgoingReply) => void;
};

export type RelayedReply = Result<
  { readonly value: unknown; readonly final: boolean; readonly index?: number },
  CellError
>;

/** Beside a delivery to a durable actor. */
export type Journaled = {
  readonly position: JournalPosition;
  /** What `responder` makes an answer from. */
  readonly returnAddress: Json;
  /**
   * Place in the outbox of the durable actor that sent it; absent for all others. The runtime
   * drops what came before; the host only notes the highest in `sources`.
   */
  readonly sourceSequence?: number;
};
