// The shards that a node owns by the map of all certificates, which may be fewer
// than its own certificate covers.
import type { ShardRange } from "../security/trust/certificate.ts";
import { SHARDS } from "../security/trust/genesis.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";

/** As ranges, ascending, neighbours joined. */
export function ownedShards(
  trust: Pick<TrustStore, "shardOwner">,
  node: string,
  nowUnixMs: number,
): readonly ShardRange[] {
  const ranges: ShardRange[] = [];
  for (let shard = 0; shard < SHARDS; shard += 1) {
    if (trust.shardOwner(shard, nowUnixMs) !== node) continue;
    const last = ranges.at(-1);
    if (last?.last === shard - 1) ranges[ranges.length - 1] = { first: last.first, last: shard };
    else ranges.push({ first: shard, last: shard });
  }
  return ranges;
}
