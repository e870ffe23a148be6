// A window over the log's own time, in seconds: what happened in the last N
// seconds before the newest entry. Pure.
import type { Entry } from "./entries.ts";

type Second = {
  readonly at: number;
  readonly requests: number;
  readonly errors: number;
  readonly failing: Readonly<Record<string, number>>;
};

export type RateWindow = {
  readonly seconds: readonly Second[];
  readonly length: number;
  readonly newestUnixMs: number;
};

const SHOWN = 3;

export const emptyWindow = (length: number): RateWindow => ({ seconds: [], length, newestUnixMs: 0 });

const emptySecond = (at: number): Second => ({ at, requests: 0, errors: 0, failing: {} });

/** Entries older than the window are passed over. */
export function addEntries(window: RateWindow, entries: readonly Entry[]): RateWindow {
  const seconds = new Map(window.seconds.map((second) => [second.at, second]));
  let newestUnixMs = window.newestUnixMs;
  for (const { atUnixMs, path, status } of entries) {
    const at = Math.floor(atUnixMs / 1000);
    const failed = status >= 500;
    const { requests, errors, failing } = seconds.get(at) ?? emptySecond(at);
    seconds.set(at, {
      at,
      requests: requests + 1,
      errors: errors + (failed ? 1 : 0),
      failing: failed ? { ...failing, [path]: (failing[path] ?? 0) + 1 } : failing,
    });
    newestUnixMs = Math.max(newestUnixMs, atUnixMs);
  }
  const oldest = Math.floor(newestUnixMs / 1000) - window.length;
  const kept = [...seconds.values()].filter(({ at }) => at > oldest).sort((a, b) => a.at - b.at);
  return { ...window, seconds: kept, newestUnixMs };
}

export function ratesOf({ seconds, length }: RateWindow) {
  const requests = seconds.reduce((sum, second) => sum + second.requests, 0);
  const errors = seconds.reduce((sum, second) => sum + second.errors, 0);
  const failing: Record<string, number> = {};
  for (const second of seconds) {
    for (const [path, count] of Object.entries(second.failing)) failing[path] = (failing[path] ?? 0) + count;
  }
  const worst = Object.entries(failing).sort(([, a], [, b]) => b - a);
  return {
    requests,
    errors,
    errorRatio: requests === 0 ? 0 : errors / requests,
    perSecond: requests / length,
    windowSeconds: length,
    worst: worst.slice(0, SHOWN).map(([path, count]) => ({ path, errors: count })),
  };
}
