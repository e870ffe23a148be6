// Intents that arrive while their actor is being restarted: they wait, in order, until the
// next incarnation is up, so that senders do not notice a restart of a few milliseconds.
// Each waits to its deadline at most; for each actor as many as its mailbox takes. What
// the incarnation before left unanswered is not in here, and comes before it.
import { DeadlineTimer } from "../actors/deadline-timer.ts";
import type { Delivery } from "../actors/intent.ts";
import type { ActorClock } from "../actors/ports.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { EventInput } from "../telemetry/event.ts";

type Waiting = { readonly bound: number; readonly deliveries: Delivery[] };

export class Interim {
  readonly #waiting = new Map<string, Waiting>();
  readonly #deadlines: DeadlineTimer;
  readonly #clock: ActorClock;
  readonly #record: (event: EventInput) => void;

  constructor(clock: ActorClock, record: (event: EventInput) => void) {
    this.#clock = clock;
    this.#record = record;
    this.#deadlines = new DeadlineTimer(clock, () => this.#sweep());
  }

  /** The actor has ended, and whether it comes back is about to be decided. */
  open(path: string, bound: number): void {
    if (!this.#waiting.has(path)) this.#waiting.set(path, { bound, deliveries: [] });
  }

  /** Whether somebody is expected at this path. */
  expects(path: string): boolean {
    return this.#waiting.has(path);
  }

  /** Undefined: nobody is expected at this path. ACTOR_MAILBOX_FULL */
  put(delivery: Delivery): Result<{ readonly mailboxDepth: number }, CellError> | undefined {
    const { target, deadlineUnixMs } = delivery.intent;
    const waiting = this.#waiting.get(target);
    if (waiting === undefined) return undefined;
    const { deliveries, bound } = waiting;
    if (this.#clock.unixMs() > deadlineUnixMs) return err(late(target));
    if (deliveries.length >= bound)
      return err(new CellError("ACTOR_MAILBOX_FULL", undefined, { where: target }));
    deliveries.push(delivery);
    this.#deadlines.arm(deadlineUnixMs);
    return ok({ mailboxDepth: deliveries.length });
  }

  /** The next incarnation is up: what waited for it, in order of arrival. Nothing waits here any more. */
  take(path: string): readonly Delivery[] {
    const waiting = this.#waiting.get(path);
    this.#waiting.delete(path);
    return waiting?.deliveries ?? [];
  }

  /** Nothing at this path or below it comes back by itself: everybody who waits hears so. */
  down(path: string, why?: CellError): void {
    for (const each of this.#pathsFrom(path)) {
      const gone = why ?? new CellError("ACTOR_NOT_RUNNING", undefined, { where: each });
      for (const delivery of this.take(each)) this.refuse(delivery, gone);
    }
  }

  refuse({ intent, respond }: Delivery, error: CellError): void {
    respond({ kind: "error", error });
    const { code, message, remedy, retryable, retryAfterMs = 0 } = error;
    const told = { code, message, remedy, retryable, retryAfterMs };
    const { principal, target, traceparent } = intent;
    const value = { stage: "mailbox", error: told, principal, target, count: 1 };
    this.#record({ actor: target, intent, traceparent, kind: { case: "intentRefused", value } });
  }

  #pathsFrom(path: string): readonly string[] {
    if (this.#waiting.has(path)) return [path];
    return [...this.#waiting.keys()].filter((each) => each.startsWith(`${path}/`));
  }

  #sweep(): void {
    const now = this.#clock.unixMs();
    for (const [path, { deliveries }] of this.#waiting) {
      const inTime = deliveries.filter(({ intent }) => now <= intent.deadlineUnixMs);
      const over = deliveries.filter(({ intent }) => now > intent.deadlineUnixMs);
      deliveries.splice(0, deliveries.length, ...inTime);
      for (const { intent } of inTime) this.#deadlines.arm(intent.deadlineUnixMs);
      for (const delivery of over) this.refuse(delivery, late(path));
    }
  }
}

const late = (where: string): CellError => new CellError("ACTOR_DEADLINE_EXCEEDED", undefined, { where });
