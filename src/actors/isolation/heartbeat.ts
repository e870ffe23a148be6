// Whether the loop of an actor's side still turns: it beats, and a beat that stays
// out for too long is a hang. Judged on the node's own loop, which may itself have
// been held up: then the watch starts over before it suspects anybody.
import type { ActorClock } from "../ports.ts";

const MIN_BEAT_MS = 50;
const MAX_BEAT_MS = 1000;
/** A quarter of the time that is allowed, so that one late beat is no hang. */
export const beatIntervalMs = (progressMs: number): number =>
  Math.min(MAX_BEAT_MS, Math.max(MIN_BEAT_MS, Math.floor(progressMs / 4)));

export type HeartbeatOptions = {
  readonly clock: ActorClock;
  readonly progressMs: number;
  readonly missed: () => void;
};

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #everyMs: number;
  #lastMs: number;
  #checkedMs: number;
  #cancel: () => void = () => {};
  #stopped = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#everyMs = beatIntervalMs(options.progressMs);
    this.#lastMs = options.clock.monotonicMs();
    this.#checkedMs = this.#lastMs;
    this.#arm();
  }

  beat(): void {
    this.#lastMs = this.#options.clock.monotonicMs();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.setTimer(this.#everyMs, () => this.#check());
  }

  #check(): void {
    const { clock, progressMs, missed } = this.#options;
    const now = clock.monotonicMs();
    // The node itself stood still: beats may wait unread.
    if (now - this.#checkedMs > this.#everyMs * 2)
      this.#lastMs = Math.max(this.#lastMs, now - progressMs / 2);
    this.#checkedMs = now;
    if (now - this.#lastMs >= progressMs) {
      this.stop();
      missed();
    } else this.#arm();
  }
}
