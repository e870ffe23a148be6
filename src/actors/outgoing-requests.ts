// The answers that an actor waits for. Each request ends in events for the
// machine: replies, or one error, at the latest when its time is over.
import type { AnyEventObject } from "xstate";
import { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import type { RequestEffect, RequestErrorEvent } from "./effect.ts";
import type { OutgoingIntent, ReceivedIntent } from "./intent.ts";
import type { ActorPorts } from "./ports.ts";

export const MAX_OUTGOING_REQUESTS = 1024;
export const DEFAULT_TIMEOUT_MS = 5_000;
/** The longest time-out of a send or request: an hour. */
export const MAX_TIMEOUT_MS = 3_600_000;

/** A request as part of a snapshot: enough to tell the machine that its answer is lost. */
export type RequestRecord = {
  readonly target: string;
  readonly intent: string;
  readonly onError: string;
  readonly ref?: string;
};

type Waiting = {
  readonly effect: RequestEffect;
  readonly intent: ReceivedIntent | undefined;
  cancelTimer: () => void;
};

export type Answered = (event: AnyEventObject, intent: ReceivedIntent | undefined) => void;

type Reply = Result<{ readonly value: unknown; readonly final: boolean }, CellError>;

export class OutgoingRequests {
  readonly #ports: Pick<ActorPorts, "clock" | "send">;
  readonly #answered: Answered;
  #waiting: Set<Waiting> | undefined;
  /** Answered, but the machine has not yet taken the event. */
  #unsettled: Map<AnyEventObject, Waiting> | undefined;

  constructor(ports: Pick<ActorPorts, "clock" | "send">, answered: Answered) {
    this.#ports = ports;
    this.#answered = answered;
  }

  request(effect: RequestEffect, intent: ReceivedIntent | undefined): void {
    const waiting: Waiting = { effect, intent, cancelTimer: () => {} };
    this.#waiting ??= new Set();
    this.#waiting.add(waiting);
    if (this.#waiting.size + (this.#unsettled?.size ?? 0) > MAX_OUTGOING_REQUESTS) {
      this.#end(waiting, new CellError("ACTOR_REQUESTS_FULL"));
      return;
    }
    const outgoing = outgoingIntent(effect, intent);
    waiting.cancelTimer = this.#ports.clock.setTimer(outgoing.timeoutMs, () => {
      this.#end(waiting, new CellError("ACTOR_DEADLINE_EXCEEDED", `no answer of ${effect.target} in time`));
    });
    try {
      this.#ports.send({ ...outgoing, onReply: (reply) => this.#reply(waiting, reply) });
    } catch (cause) {
      this.#end(
        waiting,
        cause instanceof CellError ? cause : new CellError("ACTOR_REFUSED", "not sent", { cause }),
      );
    }
  }

  #reply(waiting: Waiting, reply: Reply): void {
    if (this.#waiting?.has(waiting) !== true) return;
    if (!reply.ok) {
      this.#end(waiting, reply.error);
      return;
    }
    const { onReply: type, ref } = waiting.effect;
    const { value: payload, final } = reply.value;
    const event = { type, payload, final, ...(ref === undefined ? {} : { ref }) };
    if (final) this.#settle(waiting, event);
    this.#answered(event, waiting.intent);
  }

  #end(waiting: Waiting, error: CellError): void {
    if (this.#waiting?.has(waiting) !== true) return;
    const event = errorEvent(waiting.effect, error);
    this.#settle(waiting, event);
    this.#answered(event, waiting.intent);
  }

  #settle(waiting: Waiting, event: AnyEventObject): void {
    this.#waiting?.delete(waiting);
    waiting.cancelTimer();
    this.#unsettled ??= new Map();
    this.#unsettled.set(event, waiting);
  }

  /** The machine has taken this event. */
  settled(event: AnyEventObject): void {
    this.#unsettled?.delete(event);
  }

  records(): RequestRecord[] {
    return [...(this.#unsettled?.values() ?? []), ...(this.#waiting ?? [])].map(({ effect }) => {
      const { target, intent, onError, ref } = effect;
      return { target, intent, onError, ...(ref === undefined ? {} : { ref }) };
    });
  }

  /** Waits no more; what still comes is dropped. */
  stop(): void {
    for (const waiting of this.#waiting ?? []) waiting.cancelTimer();
    this.#waiting = undefined;
    this.#unsettled = undefined;
  }
}

/** The event for a request whose answer went to an incarnation that is gone. */
export function lostRequestEvent(record: RequestRecord): AnyEventObject {
  return errorEvent(record, new CellError("ACTOR_REQUEST_LOST", `the answer of ${record.target} was lost`));
}

function errorEvent(
  record: Pick<RequestRecord, "onError" | "ref">,
  error: CellError,
): RequestErrorEvent<string> {
  const { code, message, remedy, retryable } = error;
  return {
    type: record.onError,
    error: { code, message, remedy, retryable },
    ...(record.ref === undefined ? {} : { ref: record.ref }),
  };
}

export function outgoingIntent(
  effect: {
    target: string;
    intent: string;
    payload?: unknown;
    priority?: OutgoingIntent["priority"];
    timeoutMs?: number;
  },
  cause: ReceivedIntent | undefined,
): OutgoingIntent {
  const timeoutMs = effect.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return {
    target: effect.target,
    intent: effect.intent,
    payload: effect.payload ?? {},
    cause,
    priority: effect.priority ?? "normal",
    timeoutMs: timeoutMs > 0 ? Math.min(timeoutMs, MAX_TIMEOUT_MS) : DEFAULT_TIMEOUT_MS,
  };
}
