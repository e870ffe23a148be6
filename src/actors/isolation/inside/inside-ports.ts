// The ports of a host behind the channel: what it sends, records and answers
// becomes frames. Its intents are named by the node's numbers.
import { CellError } from "../../../errors/cell-error.ts";
import { capabilityField } from "../../../security/capability/capability-text.ts";
import { priorityNumber } from "../../../security/wire/priority.ts";
import type { EventInput } from "../../../telemetry/event.ts";
import type { Journaled } from "../../durable/ports.ts";
import type { Delivery, OutgoingIntent, OutgoingReply, ReceivedIntent } from "../../intent.ts";
import type { ActorClock, ActorPorts } from "../../ports.ts";
import { createTurnScheduler, type TurnScheduler } from "../../turn.ts";
import { jsonBytes } from "../bounded-json.ts";
import { MAX_VALUE_BYTES, type Outcome, toOutcome } from "../messages.ts";
import type { Outbox } from "./outbox.ts";

const MAX_TIMER_MS = 2_147_483_647;
/** As many as the node remembers. */
const MAX_KNOWN = 4096;

const clock: ActorClock = {
  unixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, Math.min(delayMs, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

export class InsidePorts implements ActorPorts {
  readonly clock: ActorClock = clock;
  readonly turns: TurnScheduler;
  readonly #outbox: Outbox;
  readonly #settle: () => void;
  readonly #numbers = new WeakMap<object, bigint>();
  /** By id, also of intents that are answered: what they began may fail later. */
  readonly #known = new Map<string, bigint>();
  readonly #begun = new Set<bigint>();
  readonly #waiting = new Map<bigint, NonNullable<OutgoingIntent["onReply"]>>();
  #lastRequest = 0n;

  /** @param settle sends the state and all that waits; called between intents and after each turn */
  constructor(outbox: Outbox, settle: () => void) {
    this.#outbox = outbox;
    this.#settle = settle;
    const turns = createTurnScheduler();
    this.turns = {
      schedule: (turn) =>
        turns.schedule(() => {
          const more = turn();
          this.#settle();
          return more;
        }),
    };
  }

  random(): number {
    return Math.random();
  }

  /** An intent that the node hands over, with its way back. */
  delivery(number: bigint, intent: ReceivedIntent, journaled?: Journaled): Delivery {
    this.#numbers.set(intent, number);
    this.#known.set(intent.id, number);
    const [oldest] = this.#known.size > MAX_KNOWN ? this.#known.keys() : [];
    if (oldest !== undefined) this.#known.delete(oldest);
    if (journaled === undefined) return { intent, respond: (reply) => this.#respond(number, intent, reply) };
    return {
      ...{ intent, journaled },
      respond: (reply) => this.#answer(number, reply, reply.kind === "error" && reply.begun === false),
    };
  }

  /** The host did not take it. */
  refuse(number: bigint, error: CellError): void {
    const outcome = toOutcome({ kind: "error", error });
    this.#outbox.push({ case: "reply", value: { delivery: number, outcome, refused: true } });
  }

  numberOf(id: string | undefined): bigint {
    return (id === undefined ? undefined : this.#known.get(id)) ?? 0n;
  }

  send(intent: OutgoingIntent): void {
    const { target, intent: type, payload, capability, cause, priority, timeoutMs, onReply } = intent;
    const bytes = jsonBytes(payload ?? {});
    if (bytes.byteLength > MAX_VALUE_BYTES)
      throw new CellError("ACTOR_PAYLOAD_INVALID", "the payload is too large");
    const held = capabilityField(capability);
    if (!held.ok) throw held.error;
    let request = 0n;
    if (onReply !== undefined) {
      request = ++this.#lastRequest;
      this.#waiting.set(request, onReply);
    }
    this.#outbox.push({
      case: "request",
      value: {
        request,
        target,
        intent: type,
        payload: bytes,
        cause: this.#number(cause),
        priority: priorityNumber(priority),
        timeoutMs: Math.max(1, Math.ceil(timeoutMs)),
        ...(capability === undefined ? {} : { capability }),
      },
    });
  }

  answered(request: bigint, outcome: Outcome): void {
    const onReply = this.#waiting.get(request);
    if (!outcome.ok || outcome.value.final) this.#waiting.delete(request);
    onReply?.(outcome);
  }

  record({ kind, intent }: EventInput): void {
    const delivery = this.#number(intent);
    switch (kind.case) {
      case "intentStarted":
        // What came before is told first, this at once: the behaviour may never return.
        this.#settle();
        this.#begun.add(delivery);
        this.#outbox.push({ case: "begun", value: { delivery } });
        this.#outbox.flush();
        return;
      case "actorLogged":
        this.log(kind.value.level ?? "info", kind.value.message ?? "", delivery);
        return;
      case "transitioned": {
        const { event = "", from = "", to = "" } = kind.value;
        this.#outbox.push({ case: "transition", value: { delivery, event, from, to } });
        return;
      }
      default:
      // What is accepted, finished and answered the node sees for itself.
    }
  }

  log(level: string, message: string, delivery = 0n): void {
    this.#outbox.push({ case: "log", value: { delivery, level, message } });
  }

  #number(intent: object | undefined): bigint {
    return (intent === undefined ? undefined : this.#numbers.get(intent)) ?? 0n;
  }

  /** @throws when it cannot be sent; the host answers with that */
  #respond(delivery: bigint, { target }: ReceivedIntent, reply: OutgoingReply): void {
    if (reply.kind === "error" && isFarewell(reply.error, target)) return;
    this.#answer(delivery, reply, !this.#begun.has(delivery));
  }

  #answer(delivery: bigint, reply: OutgoingReply, refused: boolean): void {
    this.#outbox.push({ case: "reply", value: { delivery, outcome: toOutcome(reply), refused } });
    if (reply.kind === "error" || reply.final) this.#begun.delete(delivery);
  }
}

/** What the host says to all who wait when it ends; the node, which knows why, says it itself. */
function isFarewell({ code, where }: CellError, path: string): boolean {
  return (code === "ACTOR_CRASHED" || code === "ACTOR_NOT_RUNNING") && where === path;
}
