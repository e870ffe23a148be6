// What may happen at most so often within a second, in all and for each of those whom it is for.

export type PerSecond = { readonly all: number; readonly each: number };

/**
 * Says whether it may happen once more, or `count` times, and counts it if so.
 * @param nowMs of a clock that does not go back
 */
export function perSecond({
  all,
  each,
}: PerSecond): (owner: string, nowMs: number, count?: number) => boolean {
  let second = Number.NEGATIVE_INFINITY;
  let total = 0;
  let counts = new Map<string, number>();
  return (owner, nowMs, count = 1) => {
    if (Math.floor(nowMs / 1000) !== second) {
      second = Math.floor(nowMs / 1000);
      total = 0;
      counts = new Map();
    }
    const sum = (counts.get(owner) ?? 0) + count;
    if (sum > each || total + count > all) return false;
    total += count;
    counts.set(owner, sum);
    return true;
  };
}
