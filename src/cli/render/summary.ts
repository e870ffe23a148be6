// What many sends came to: counts, latencies, refusals by code.
import type { Colors } from "../context.ts";
import { formatLatency } from "../duration.ts";
import { padStart } from "./text.ts";

export type SendSummary = {
  readonly sent: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly perSecond: number;
  /** Of those that succeeded; null when none did. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number } | null;
};

/** Latencies of all successes, exact: 8 bytes each. */
export class Latencies {
  readonly #valuesMs: number[] = [];

  add(elapsedMs: number): void {
    this.#valuesMs.push(elapsedMs);
  }

  summary(failures: ReadonlyMap<string, number>, elapsedMs: number): SendSummary {
    const sorted = Float64Array.from(this.#valuesMs).sort();
    const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
    const succeeded = sorted.length;
    return {
      sent: succeeded + failed,
      succeeded,
      failed,
      failures: Object.fromEntries(failures),
      elapsedMs: round(elapsedMs),
      perSecond: elapsedMs > 0 ? round(((succeeded + failed) * 1_000) / elapsedMs) : 0,
      latencyMs:
        succeeded === 0
          ? null
          : { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), max: round(sorted.at(-1) ?? 0) },
    };
  }
}

/** Nearest rank: the least value that at least this share of all do not exceed. */
export function percentile(sorted: Float64Array, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return round(sorted[rank - 1] ?? 0);
}

export function renderSummary(summary: SendSummary, colors: Colors): string {
  const { sent, succeeded, failed, elapsedMs, perSecond, latencyMs } = summary;
  const rows = [
    `${sent} sent in ${formatLatency(elapsedMs)} (${perSecond.toFixed(0)} a second): ` +
      `${colors.green(`${succeeded} answered`)}, ${failed === 0 ? "0 failed" : colors.red(`${failed} failed`)}`,
  ];
  if (latencyMs !== null) {
    const { p50, p99, max } = latencyMs;
    rows.push(`latency  p50 ${formatLatency(p50)}  p99 ${formatLatency(p99)}  max ${formatLatency(max)}`);
  }
  const codes = Object.entries(summary.failures).sort(([, left], [, right]) => right - left);
  const width = Math.max(0, ...codes.map(([, count]) => String(count).length));
  for (const [code, count] of codes) rows.push(`  ${padStart(String(count), width)}  ${code}`);
  return rows.join("\n");
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000;
