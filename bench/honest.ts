// Honest traffic at a fixed, modest rate, and how long it takes: counted from when each request was
// due, so that a late one is not taken for a quick one.
import { setTimeout as delay } from "node:timers/promises";
import { type CellClient, CellError } from "../src/client.ts";
import { type Latencies, latenciesOf } from "./figures.ts";

export const HONEST_PER_SECOND = 200;
const TARGET = "hello/greeter";
const TIMEOUT_MS = 10_000;
/** So many in a row that took no longer than is normal: it is normal again. */
const IN_A_ROW = 20;
const RECOVERY_EVERY_MS = 5;
const RECOVERY_LIMIT_MS = 60_000;

export type Honest = Latencies & {
  readonly sent: number;
  /** Those that failed, by code. */
  readonly failed: Readonly<Record<string, number>>;
};

const ask = (client: CellClient): Promise<unknown> =>
  client.request(TARGET, "greet", { name: "Ann" }, { timeoutMs: TIMEOUT_MS });

export async function honestTraffic(client: CellClient, durationMs: number): Promise<Honest> {
  const samplesMs: number[] = [];
  const failed: Record<string, number> = {};
  const pending: Promise<void>[] = [];
  const startedAt = performance.now();
  const count = Math.floor((durationMs * HONEST_PER_SECOND) / 1_000);
  for (let sent = 0; sent < count; sent += 1) {
    const dueAt = startedAt + (sent * 1_000) / HONEST_PER_SECOND;
    const early = dueAt - performance.now();
    if (early > 0) await delay(early);
    const done = ask(client).then(
      () => void samplesMs.push(performance.now() - dueAt),
      (error: unknown) => {
        const code = error instanceof CellError ? error.code : String(error);
        failed[code] = (failed[code] ?? 0) + 1;
        // It was waited for in vain for as long.
        samplesMs.push(TIMEOUT_MS);
      },
    );
    pending.push(done);
  }
  await Promise.all(pending);
  return { ...latenciesOf(samplesMs), sent: count, failed };
}

/** Milliseconds from now until requests take no longer than `normalMs` again; undefined: not within a minute. */
export async function untilNormal(client: CellClient, normalMs: number): Promise<number | undefined> {
  const startedAt = performance.now();
  let since: number | undefined;
  for (let row = 0; row < IN_A_ROW; ) {
    const from = performance.now();
    if (from - startedAt > RECOVERY_LIMIT_MS) return undefined;
    const tookMs = await ask(client).then(
      () => performance.now() - from,
      () => Number.POSITIVE_INFINITY,
    );
    since = tookMs > normalMs ? undefined : (since ?? from);
    row = tookMs > normalMs ? 0 : row + 1;
    await delay(RECOVERY_EVERY_MS);
  }
  return (since ?? performance.now()) - startedAt;
}
