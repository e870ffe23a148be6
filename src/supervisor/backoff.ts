// How long to wait before a restart: exponential with full jitter. The wait spreads
// restarts out; it never hides the intensity limit (see `putOff` in restart-window.ts).
import type { Backoff } from "../manifest/graph.ts";

/**
 * Milliseconds to wait before restart `attempt` (from 0), a whole number in
 * [0, min(maxMs, initialMs * factor^attempt)]. Full jitter after M. Brooker, "Exponential
 * Backoff And Jitter" (2015): it clears contention fastest for the same number of tries.
 * @param random uniform in [0, 1)
 */
export function backoffDelayMs(backoff: Backoff, attempt: number, random: number): number {
  if (backoff.initialMs <= 0) return 0;
  const ceiling = Math.floor(Math.min(backoff.maxMs, backoff.initialMs * backoff.factor ** attempt));
  return Math.floor(random * (ceiling + 1));
}
