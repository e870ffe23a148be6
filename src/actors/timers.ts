// The delayed events of one actor: after-transitions, delayed raises and sends.
// They outlive the process as part of a snapshot.
import type { AnyEventObject } from "xstate";
import { InFlightMap } from "../collections/in-flight.ts";
import type { ReceivedIntent } from "./intent.ts";
import type { ActorClock } from "./ports.ts";

/** Bounds what a machine that arms in a loop can hold. */
const MAX_TIMERS = 10_000;
const MAX_TIMER_MS = 2_147_483_647;

export type TimerRecord = {
  readonly id: string;
  readonly event: AnyEventObject;
  /** Id of a child; absent: the machine itself. */
  readonly to?: string;
  readonly dueUnixMs: number;
};

type Armed = {
  readonly timer: TimerRecord;
  readonly intent: ReceivedIntent | undefined;
  readonly cancel: () => void;
};
type Fired = Pick<Armed, "timer" | "intent">;

export type TimerFired = (timer: TimerRecord, intent: ReceivedIntent | undefined) => void;

export class Timers {
  readonly #clock: ActorClock;
  readonly #fire: TimerFired;
  #armed: InFlightMap<string, Armed> | undefined;
  /** Fired, but the machine has not yet taken the event: a crash in between must not lose it. */
  #fired: InFlightMap<AnyEventObject, Fired> | undefined;

  constructor(clock: ActorClock, fired: TimerFired) {
    this.#clock = clock;
    this.#fire = fired;
  }

  /** Milliseconds until it is due. @throws RangeError when it cannot be armed */
  check({ id, dueUnixMs }: Pick<TimerRecord, "id" | "dueUnixMs">): number {
    if (this.#armed !== undefined && this.#armed.size >= MAX_TIMERS && !this.#armed.has(id))
      throw new RangeError(`more than ${MAX_TIMERS} delayed events at once`);
    const delayMs = Math.max(0, dueUnixMs - this.#clock.unixMs());
    if (!(delayMs <= MAX_TIMER_MS))
      throw new RangeError(`a delay of ${delayMs} ms is beyond ${MAX_TIMER_MS} ms`);
    return delayMs;
  }

  /** Replaces a timer of the same id. `intent`: the cause of what it leads to. */
  arm(timer: TimerRecord, intent: ReceivedIntent | undefined): void {
    const delayMs = this.check(timer);
    this.cancel(timer.id);
    this.#armed ??= new InFlightMap();
    const cancel = this.#clock.setTimer(delayMs, () => {
      this.#armed?.delete(timer.id);
      if (timer.to === undefined) {
        this.#fired ??= new InFlightMap();
        this.#fired.set(timer.event, { timer, intent });
      }
      this.#fire(timer, intent);
    });
    this.#armed.set(timer.id, { timer, intent, cancel });
  }

  cancel(id: string): void {
    this.#armed?.get(id)?.cancel();
    this.#armed?.delete(id);
  }

  /** The machine has taken this event. */
  settled(event: AnyEventObject): void {
    this.#fired?.delete(event);
  }

  cancelAll(): void {
    for (const { cancel } of this.#armed?.values() ?? []) cancel();
    this.#armed = undefined;
  }

  /** Whether this event waits because a timer fired. */
  hasFired(event: AnyEventObject): boolean {
    return this.#fired?.has(event) === true;
  }

  records(): TimerRecord[] {
    return this.#all().map(({ timer }) => timer);
  }

  /** In the order of `records`. */
  causes(): (ReceivedIntent | undefined)[] {
    return this.#all().map(({ intent }) => intent);
  }

  #all(): Fired[] {
    return [...(this.#fired?.values() ?? []), ...(this.#armed?.values() ?? [])];
  }
}
