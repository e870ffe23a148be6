// The answers that an actor waits for. Each request ends in events for the
// machine: replies, or one error, at the latest when its time is over.
import type { AnyEventObject } from "xstate";
import { InFlightMap, InFlightSet } from "../collections/in-flight.ts";
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

/** A request that goes on in the next incarnation of a durable actor. */
export type OpenRequest = RequestRecord & {
  /** Of its entry in the outbox. */
  readonly sequence: number;
  readonly onReply: string;
  readonly deadlineUnixMs: number;
  /** Replies that the machine has taken. */
  readonly taken: number;
};

type Waiting = {
  readonly effect: Pick<RequestEffect, "target" | "intent" | "onReply" | "onError" | "ref">;
  readonly intent: ReceivedIntent | undefined;
  /** What `send` returned: the place in a durable actor's outbox. */
  sequence: unknown;
  deadlineUnixMs: number;
  /** Replies that came, and those that the machine has taken. */
  seen: number;
  taken: number;
  cancelTimer: () => void;
};

export type RequestPorts = Pick<ActorPorts, "clock"> & { readonly send: (intent: OutgoingIntent) => unknown };

export type Answered = (event: AnyEventObject, intent: ReceivedIntent | undefined) => void;

type Reply = Result<{ readonly value: unknown; readonly final: boolean; readonly index?: number }, CellError>;

export class OutgoingRequests {
  readonly #ports: RequestPorts;
  readonly #answered: Answered;
  #waiting: InFlightSet<Waiting> | undefined;
  /** Answered, but the machine has not yet taken the event. */
  #unsettled: InFlightMap<AnyEventObject, Waiting> | undefined;
  /** Replies before the final one that the machine has not yet taken. */
  #parts: InFlightMap<AnyEventObject, Waiting> | undefined;
  /** Called when the machine has taken the end of a request; gets what `send` returned. */
  onEnd: ((sequence: unknown) => void) | undefined;

  constructor(ports: RequestPorts, answered: Answered) {
    this.#ports = ports;
    this.#answered = answered;
  }

  request(effect: RequestEffect, intent: ReceivedIntent | undefined): void {
    const outgoing = outgoingIntent(effect, intent);
    const deadlineUnixMs = this.#ports.clock.unixMs() + outgoing.timeoutMs;
    const waiting: Waiting = {
      effect,
      intent,
      deadlineUnixMs,
      sequence: undefined,
      seen: 0,
      taken: 0,
      cancelTimer: () => {},
    };
    this.#waiting ??= new InFlightSet();
    this.#waiting.add(waiting);
    if (this.#waiting.size + (this.#unsettled?.size ?? 0) > MAX_OUTGOING_REQUESTS) {
      this.#end(waiting, new CellError("ACTOR_REQUESTS_FULL"));
      return;
    }
    this.#await(waiting, outgoing.timeoutMs);
    try {
      waiting.sequence = this.#ports.send({ ...outgoing, onReply: (reply) => this.#reply(waiting, reply) });
    } catch (cause) {
      this.#end(
        waiting,
        cause instanceof CellError ? cause : new CellError("ACTOR_REFUSED", "not sent", { cause }),
      );
    }
  }

  /** Goes on waiting for what an earlier incarnation asked. Returns what its replies go to. */
  resume(request: OpenRequest, intent: ReceivedIntent | undefined): (reply: Reply) => void {
    const { sequence, deadlineUnixMs, taken } = request;
    const waiting: Waiting = {
      effect: request,
      intent,
      sequence,
      deadlineUnixMs,
      seen: taken,
      taken,
      cancelTimer: () => {},
    };
    this.#waiting ??= new InFlightSet();
    this.#waiting.add(waiting);
    this.#await(waiting, Math.max(0, deadlineUnixMs - this.#ports.clock.unixMs()));
    return (reply) => this.#reply(waiting, reply);
  }

  #await(waiting: Waiting, timeoutMs: number): void {
    waiting.cancelTimer = this.#ports.clock.setTimer(timeoutMs, () => {
      const what = `no answer of ${waiting.effect.target} in time`;
      this.#end(waiting, new CellError("ACTOR_DEADLINE_EXCEEDED", what));
    });
  }

  #reply(waiting: Waiting, reply: Reply): void {
    if (this.#waiting?.has(waiting) !== true) return;
    if (!reply.ok) {
      this.#end(waiting, reply.error);
      return;
    }
    const { onReply: type, ref } = waiting.effect;
    const { value: payload, final, index } = reply.value;
    if (index !== undefined && index < waiting.seen) return;
    waiting.seen += 1;
    const event = { type, payload, final, ...(ref === undefined ? {} : { ref }) };
    if (final) this.#settle(waiting, event);
    else {
      this.#parts ??= new InFlightMap();
      this.#parts.set(event, waiting);
    }
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
    this.#unsettled ??= new InFlightMap();
    this.#unsettled.set(event, waiting);
  }

  /** Whether an answer is waited for. */
  get isWaiting(): boolean {
    return (this.#waiting?.size ?? 0) > 0;
  }

  /** The machine has taken this event. */
  settled(event: AnyEventObject): void {
    const part = this.#parts?.get(event);
    if (part !== undefined) part.taken += 1;
    this.#parts?.delete(event);
    const ended = this.#unsettled?.get(event);
    this.#unsettled?.delete(event);
    if (ended !== undefined) this.onEnd?.(ended.sequence);
  }

  /** Whether this event, which waits, came of a request. */
  remembers(event: AnyEventObject): boolean {
    return this.#unsettled?.has(event) === true || this.#parts?.has(event) === true;
  }

  /** @param undone id of an intent whose step is undone: what it asked for was never asked */
  records(undone?: string): RequestRecord[] {
    const all = this.#all();
    const kept = undone === undefined ? all : all.filter(({ intent }) => intent?.id !== undone);
    return kept.map(({ effect }) => recordOf(effect));
  }

  /** Those of a durable actor, each with the intent that led to it. */
  open(): (readonly [request: OpenRequest, cause: ReceivedIntent | undefined])[] {
    return this.#all().flatMap(({ effect, sequence, deadlineUnixMs, taken, intent }) => {
      if (typeof sequence !== "number") return [];
      const { onReply } = effect;
      return [[{ ...recordOf(effect), onReply, sequence, deadlineUnixMs, taken }, intent] as const];
    });
  }

  #all(): Waiting[] {
    return [...(this.#unsettled?.values() ?? []), ...(this.#waiting ?? [])];
  }

  /** Waits no more; what still comes is dropped. */
  stop(): void {
    for (const waiting of this.#waiting ?? []) waiting.cancelTimer();
    this.#waiting = undefined;
    this.#unsettled = undefined;
    this.#parts = undefined;
  }
}

function recordOf({ target, intent, onError, ref }: RequestRecord): RequestRecord {
  return { target, intent, onError, ...(ref === undefined ? {} : { ref }) };
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
    capability?: string;
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
    ...(effect.capability === undefined ? {} : { capability: effect.capability }),
    cause,
    priority: effect.priority ?? "normal",
    timeoutMs: timeoutMs > 0 ? Math.min(timeoutMs, MAX_TIMEOUT_MS) : DEFAULT_TIMEOUT_MS,
  };
}
