// What may happen at most so often within a second, in all and for each of those whom it is for.

export type PerSecond = { readonly all: number; readonly each: number };

/** Says whether it may happen once more, and counts it if so. @param nowMs of a clock that does not go back */
export function perSecond({ all, each }: PerSecond): (owner: string, nowMs: number) => boolean {
  let second = Number.NEGATIVE_INFINITY;
  let total = 0;
  let counts = new Map<string, number>();
  return (owner, nowMs) => {
    if (Math.floor(nowMs / 1000) !== second) {
      second = Math.floor(nowMs / 1000);
      total = 0;
      counts = new Map();
    }
    const count = counts.get(owner) ?? 0;
    if (count >= each || total >= all) return false;
    total += 1;
    counts.set(owner, count + 1);
    return true;
  };
}
