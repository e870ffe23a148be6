// Percentiles and lines of a benchmark's output.

export type Latencies = { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };

/** By the nearest-rank method. */
export function latenciesOf(samplesMs: readonly number[]): Latencies {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50Ms: rank(0.5), p99Ms: rank(0.99), maxMs: sorted.at(-1) ?? Number.NaN };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)] ?? Number.NaN, sorted[Math.ceil(middle)] ?? Number.NaN];
  return (low + high) / 2;
}

/** The lowest and the highest, in the words of `text`. */
export const spread = (values: readonly number[], text: (value: number) => string): string =>
  `${text(Math.min(...values))} to ${text(Math.max(...values))}`;

export const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
export const rate = (perSecond: number): string => `${Math.round(perSecond).toLocaleString("en")}/s`;
export const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

export const line = (what: string, figures: string): void => console.log(`${what.padEnd(48)}${figures}`);
export const heading = (text: string): void => console.log(`\n${text}`);
