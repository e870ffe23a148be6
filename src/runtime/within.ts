import { setTimeout as delay } from "node:timers/promises";

/** Until some work has ended, well or not, or the time has passed. Never rejects. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const bound = new AbortController();
  const passed = delay(ms, undefined, { signal: bound.signal }).catch(() => undefined);
  await Promise.race([work.catch(() => undefined), passed]);
  bound.abort();
}
