// Whose records count: those of a node whose certificate covers the shard. Another node of
// the cell has a key as good, and the broker lets it write: it must not speak for actors
// that are not its own. What this node signed with a key that it has replaced since is its
// own still; new records are never signed with it, and the marks say what came last.
import { equalBytes } from "../../security/bytes.ts";
import type { Certificate } from "../../security/trust/certificate.ts";
import type { TrustStore } from "../../security/trust/trust-store.ts";

/** Whether a key may have signed records of a shard, by the certificates that count now. */
export function recordSigners(
  trust: Pick<TrustStore, "byKey" | "byPrincipal" | "retired">,
  node: string,
  nowUnixMs: () => number,
): (key: Uint8Array, shard: number) => boolean {
  return (key, shard) => {
    const known = trust.byKey(key, nowUnixMs());
    if (known.ok) return covers(known.value, shard);
    // A node that was withdrawn has no earlier keys either, until it is certified anew.
    if (!trust.byPrincipal(node, nowUnixMs()).ok) return false;
    return sinceWithdrawn(trust.retired(node)).some(
      (certificate) => equalBytes(certificate.key, key) && covers(certificate, shard),
    );
  };
}

/** A withdrawal takes the keys before it along. */
function sinceWithdrawn(retired: readonly Certificate[]): readonly Certificate[] {
  return retired.slice(retired.findLastIndex(({ revoked }) => revoked) + 1);
}

const covers = ({ shards }: Pick<Certificate, "shards">, shard: number): boolean =>
  shards.some(({ first, last }) => first <= shard && shard <= last);
