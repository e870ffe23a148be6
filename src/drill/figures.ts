// Percentiles of a drill's figures.

/** By the nearest-rank method; NaN of nothing. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** To hundredths: clocks of a client say no more. */
export const round = (ms: number): number => Math.round(ms * 100) / 100;
