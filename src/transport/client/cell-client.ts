// What a program outside of the cell does with it: sends intents to actors and
// reads their verified replies. Every request has a deadline. What nobody answers
// is sent again under the same id until then; the cell answers an id once.
import { CellError } from "../../errors/cell-error.ts";
import type { Event } from "../../gen/cell0/v1/events_pb.ts";
import { toHex } from "../../security/bytes.ts";
import type { Cause } from "../../security/intents/build-intent.ts";
import type { PriorityName } from "../../security/wire/priority.ts";
import type { BrokerConnection, BrokerStatus } from "../connection.ts";
import { ActorClient, type Described } from "./actor-client.ts";
import { BoundedQueue } from "./bounded-queue.ts";
import { type EventFilter, followEvents } from "./event-stream.ts";
import { type ManyOptions, type ManySummary, runMany } from "./many.ts";
import { encodePayload, type Reply, toReply } from "./payload.ts";
import type { Requester, Traffic } from "./requester.ts";

export type SendOptions = {
  /** Milliseconds from now until the intent is void and the caller has heard; default 5,000, at most an hour. */
  readonly timeoutMs?: number;
  /** Default normal. */
  readonly priority?: PriorityName;
  /** W3C trace context of the caller. */
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** Gives up waiting, with the signal's reason; the intent itself cannot be taken back. */
  readonly signal?: AbortSignal;
  /** The intent that this one follows from: ids in hex, and the hops that it was left. */
  readonly cause?: Cause;
  /**
   * Chain of capability tokens, see `readCapability`: the intent rests on that alone, and on nothing
   * else that its sender is granted. Default: the identity file's own, where that names the intent and
   * its target.
   */
  readonly capability?: Uint8Array;
  /**
   * Sends again what is refused for lack of room or connection (`CellError.retry` is `backoff`), later and
   * later, until the deadline and at most for 25 s. Default true; false: the first refusal is the answer.
   */
  readonly retry?: boolean;
  /** Hears the new intent's id, hex, as soon as it is made. */
  readonly onSent?: (id: string) => void;
};

export type IntentItem = {
  readonly target: string;
  readonly intent: string;
  /** A JSON value; or bytes, which travel as they are. */
  readonly payload: unknown;
  readonly options?: SendOptions;
};

export type Sent = {
  /** Id of the intent, hex: what events and logs name it by. */
  readonly id: string;
};

export type CellClientParts = {
  readonly cell: string;
  readonly principal: string;
  readonly connection: BrokerConnection;
  readonly requester: Requester;
  readonly onProblem: (error: CellError) => void;
  /** What an intent rests on that states no capability; undefined: what its sender is granted. */
  readonly ownCapability: (intent: string, target: string) => Uint8Array | undefined;
};

type Hooks = { readonly onReply: (reply: Reply) => void; readonly onEnd: (error: unknown) => void };
type Opened = { readonly id: string; readonly cancel: () => void };

const TIMEOUT_MS = 5_000;
/** Replies of one stream that wait for a slow reader. */
const MAX_WAITING_REPLIES = 4096;

export class CellClient {
  readonly cell: string;
  readonly principal: string;
  readonly #parts: CellClientParts;

  constructor(parts: CellClientParts) {
    this.cell = parts.cell;
    this.principal = parts.principal;
    this.#parts = parts;
  }

  /**
   * Sends an intent and resolves with its first reply. Rejects with the cell's
   * coded refusal, with ACTOR_DEADLINE_EXCEEDED, BROKER_NO_RESPONDERS or
   * BROKER_UNREACHABLE, or with the signal's reason.
   */
  request(target: string, intent: string, payload: unknown, options: SendOptions = {}): Promise<Reply> {
    return this.#first({ target, intent, payload, options }, (reply) => reply);
  }

  /**
   * Sends an intent that wants no value, and resolves once the cell has taken
   * it: with its first reply, which an actor that has none to give sends when
   * it is done. Rejects as `request` does.
   */
  send(target: string, intent: string, payload: unknown, options: SendOptions = {}): Promise<Sent> {
    return this.#first({ target, intent, payload, options }, (_reply, id) => ({ id }));
  }

  /**
   * Sends an intent now and yields its replies in order until the final one.
   * The deadline is that of the whole stream. Throws as `request` rejects, also
   * CAPSULE_REPLY_GAP when a reply was lost.
   */
  stream(
    target: string,
    intent: string,
    payload: unknown,
    options: SendOptions = {},
  ): AsyncIterableIterator<Reply> {
    const queue = new BoundedQueue<Reply>(MAX_WAITING_REPLIES, () => opened.cancel());
    const opened = this.#open(
      { target, intent, payload, options },
      {
        onReply: (reply) => {
          if (queue.push(reply)) return;
          queue.end(new CellError("BROKER_OVERLOADED", "the replies are read too slowly", { where: target }));
          opened.cancel();
        },
        onEnd: (error) => queue.end(error),
      },
    );
    return queue;
  }

  /**
   * One actor, typed by its code: `client.actor<typeof greeter>("hello/greeter")`, where `greeter` is
   * what `defineActor` made and its module is imported by `import type`.
   */
  actor<B extends Described>(target: string): ActorClient<B> {
    return new ActorClient<B>(this, target);
  }

  /** Sends many intents, so many at a time, and tells each result. See `ManyOptions`. */
  many(
    items: Iterable<IntentItem> | AsyncIterable<IntentItem>,
    options: ManyOptions<IntentItem> = {},
  ): Promise<ManySummary> {
    const { signal } = options;
    const request = (item: IntentItem): Promise<Reply> =>
      this.request(item.target, item.intent, item.payload, {
        ...(signal === undefined ? {} : { signal }),
        ...item.options,
      });
    return runMany(items, request, options);
  }

  /** The cell's events from now on; throws BROKER_PERMISSION_DENIED unless this identity may hear them. */
  events(filter: EventFilter = {}): AsyncIterableIterator<Event> {
    return followEvents(this.#parts.connection, this.cell, filter, this.#parts.onProblem);
  }

  /** Messages and capsules so far; from two looks follows how many capsules share a message. */
  traffic(): Traffic {
    return this.#parts.requester.traffic();
  }

  status(): BrokerStatus {
    return this.#parts.connection.status();
  }

  /** Sends what is still to be sent, ends what waits with BROKER_CLOSED, and closes the connection. Idempotent. */
  async close(): Promise<void> {
    this.#parts.requester.close();
    await this.#parts.connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #first<T>(item: IntentItem, pick: (reply: Reply, id: string) => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    try {
      const opened = this.#open(item, {
        onReply: (reply) => {
          resolve(pick(reply, opened.id));
          opened.cancel();
        },
        onEnd: reject,
      });
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  #open({ target, intent, payload, options = {} }: IntentItem, hooks: Hooks): Opened {
    const { timeoutMs = TIMEOUT_MS, priority, traceparent, tracestate, signal, cause } = options;
    const { retry = true, capability = this.#parts.ownCapability(intent, target) } = options;
    signal?.throwIfAborted();
    const abort = (): void => {
      sent.cancel();
      hooks.onEnd(signal?.reason);
    };
    const release = (): void => signal?.removeEventListener("abort", abort);
    const sent = this.#parts.requester.open(
      {
        target,
        intent,
        ...encodePayload(payload),
        timeoutMs,
        retry,
        ...(priority === undefined ? {} : { priority }),
        ...(traceparent === undefined ? {} : { traceparent }),
        ...(tracestate === undefined ? {} : { tracestate }),
        ...(cause === undefined ? {} : { cause }),
        ...(capability === undefined ? {} : { capability }),
      },
      {
        onReply: (reply) => {
          try {
            hooks.onReply(toReply(reply));
          } catch (error) {
            sent.cancel();
            hooks.onEnd(error);
          }
        },
        onEnd: (error) => {
          release();
          hooks.onEnd(error);
        },
      },
    );
    signal?.addEventListener("abort", abort, { once: true });
    const cancel = (): void => {
      release();
      sent.cancel();
    };
    const id = toHex(sent.id);
    options.onSent?.(id);
    return { id, cancel };
  }
}
