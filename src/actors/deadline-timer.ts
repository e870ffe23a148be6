// One timer for many deadlines: armed for the earliest, and when it fires its
// owner looks at all of them. Deadlines met in time cost nothing but a number.
import type { ActorClock } from "./ports.ts";

export class DeadlineTimer {
  readonly #clock: ActorClock;
  readonly #fire: () => void;
  #dueUnixMs = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(clock: ActorClock, fire: () => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Fires at `unixMs` or before. */
  arm(unixMs: number): void {
    if (unixMs >= this.#dueUnixMs) return;
    this.stop();
    this.#dueUnixMs = unixMs;
    // A millisecond more, because what is due exactly now is not yet over.
    this.#cancel = this.#clock.setTimer(Math.max(0, unixMs - this.#clock.unixMs()) + 1, () => {
      this.#cancel = undefined;
      this.#dueUnixMs = Number.POSITIVE_INFINITY;
      this.#fire();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#dueUnixMs = Number.POSITIVE_INFINITY;
  }
}
