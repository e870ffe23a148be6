// The static map of shards to nodes, as the certificates state it: of the nodes
// that cover a shard, the one certified last owns it.
import type { Certificate } from "./certificate.ts";
import { beginsUnixMs } from "./continuity.ts";
import { SHARDS } from "./genesis.ts";

export type ShardMap = {
  /** Name of the owner by shard; undefined where no valid node covers it. */
  readonly owners: readonly (string | undefined)[];
  /** The map holds from here ... */
  readonly fromUnixMs: number;
  /** ... until before this time, when a certificate begins or ends. */
  readonly untilUnixMs: number;
};

/**
 * @param nodes certificates of nodes that are valid at `nowUnixMs`
 * @param all every certificate whose beginning or end may change the map
 */
export function shardMap(
  nodes: readonly Certificate[],
  all: readonly Certificate[],
  nowUnixMs: number,
): ShardMap {
  const owners: (string | undefined)[] = Array.from({ length: SHARDS });
  for (const { principal, shards } of [...nodes].sort(byStanding)) {
    for (const { first, last } of shards) owners.fill(principal, first, last + 1);
  }
  const changes = all.flatMap((certificate) => [
    beginsUnixMs(certificate),
    certificate.notAfterUnixMs,
    // With an issuer's key before, those that it certified end.
    certificate.continuity?.preserveUntilUnixMs ?? 0,
  ]);
  const later = changes.filter((time) => time > nowUnixMs);
  const earlier = changes.filter((time) => time <= nowUnixMs);
  return {
    owners,
    fromUnixMs: earlier.reduce((a, b) => Math.max(a, b), 0),
    untilUnixMs: later.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  };
}

/** Issued later wins, then the higher generation, then the name, so that every node sees one map. */
function byStanding(a: Certificate, b: Certificate): number {
  return (
    a.notBeforeUnixMs - b.notBeforeUnixMs ||
    a.generation - b.generation ||
    (a.principal < b.principal ? -1 : 1)
  );
}
