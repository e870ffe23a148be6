// Time that passes only when a test says so. Timers fire in order of their due
// time, and of their arming within one millisecond.
import type { ActorClock } from "../ports.ts";

type Timer = { readonly dueMs: number; readonly order: number; readonly fire: () => void };

export type VirtualClock = ActorClock & {
  /** When the next timer is due; undefined: none is armed. */
  nextDueMs(): number | undefined;
  /** Sets the time to `unixMs` and takes out one timer that is due by then. */
  takeDue(unixMs: number): (() => void) | undefined;
  set(unixMs: number): void;
};

export function createVirtualClock(startUnixMs: number): VirtualClock {
  let now = startUnixMs;
  let armed = 0;
  const timers = new Set<Timer>();
  const next = (): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) {
      if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    }
    return first;
  };
  return {
    unixMs: () => now,
    monotonicMs: () => now - startUnixMs,
    setTimer(delayMs, fire) {
      const timer = { dueMs: now + Math.max(0, delayMs), order: armed++, fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    nextDueMs: () => next()?.dueMs,
    takeDue(unixMs) {
      const timer = next();
      if (timer === undefined || timer.dueMs > unixMs) return undefined;
      timers.delete(timer);
      now = Math.max(now, timer.dueMs);
      return timer.fire;
    },
    set(unixMs) {
      now = Math.max(now, unixMs);
    },
  };
}
