// Whose records count: those of a node whose certificate covers the shard. Another node of
// the cell has a key as good, and the broker lets it write: it must not speak for actors
// that are not its own.
import type { TrustStore } from "../../security/trust/trust-store.ts";

/** Whether a key may sign records of a shard, by the certificates that count now. */
export function recordSigners(
  trust: Pick<TrustStore, "byKey">,
  nowUnixMs: () => number,
): (key: Uint8Array, shard: number) => boolean {
  return (key, shard) => {
    const known = trust.byKey(key, nowUnixMs());
    return known.ok && known.value.shards.some(({ first, last }) => first <= shard && shard <= last);
  };
}
