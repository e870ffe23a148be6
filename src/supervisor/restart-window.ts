// The restart intensity limit: at most `intensity` restarts within any `periodMs`.
// A sliding window of restart times, as `add_restart` of Erlang/OTP's supervisor keeps
// one. Pure, and bounded by `intensity` entries. It knows nothing of children but a key.

export type WindowLimits = { readonly intensity: number; readonly periodMs: number };

/** Oldest first. */
export type RestartWindow = readonly { readonly key: string; readonly atMs: number }[];

export const emptyWindow: RestartWindow = [];

/**
 * Counts one more restart at `nowMs`. `allowed` is false when it would be more than
 * `intensity` within the period; the window then stays as it was, without what aged out.
 */
export function addRestart(
  window: RestartWindow,
  key: string,
  nowMs: number,
  limits: WindowLimits,
): { readonly allowed: boolean; readonly window: RestartWindow } {
  const recent = restartsWithin(window, nowMs, limits.periodMs);
  if (recent.length >= limits.intensity) return { allowed: false, window: recent };
  return { allowed: true, window: [...recent, { key, atMs: nowMs }] };
}

/**
 * A restart that lies exactly one period back still counts. One dated after `nowMs` (its
 * time was put off while it waited) counts too.
 */
export function restartsWithin(window: RestartWindow, nowMs: number, periodMs: number): RestartWindow {
  return window.filter((entry) => nowMs - entry.atMs <= periodMs);
}

/**
 * Restarts of `key` do not age while it waits out its backoff: without this, a backoff
 * longer than the period would hide a crash loop from the limit for ever.
 */
export function putOff(window: RestartWindow, key: string, waitedMs: number): RestartWindow {
  if (waitedMs <= 0 || !window.some((entry) => entry.key === key)) return window;
  return window
    .map((entry) => (entry.key === key ? { key, atMs: entry.atMs + waitedMs } : entry))
    .sort((a, b) => a.atMs - b.atMs);
}
