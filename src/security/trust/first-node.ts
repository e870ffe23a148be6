// Whose word on what the whole cell runs, and on what it revokes, counts: a node that is
// certified for shard 0. Any other node could grant its own actors everything.
import type { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { Certificate } from "./certificate.ts";
import type { TrustStore } from "./trust-store.ts";

/** The node of a key, by a certificate that is valid now. Errors: the store's, or a text. */
export function firstNodeOf(
  key: Uint8Array,
  trust: TrustStore,
  nowUnixMs: number,
): Result<Certificate, CellError | string> {
  const node = trust.byKey(key, nowUnixMs);
  if (!node.ok) return node;
  if (node.value.kind !== "node") return err("it was not signed by a node");
  if (node.value.shards.some(({ first }) => first === 0)) return ok(node.value);
  return err(`node \`${node.value.principal}\` is not certified for shard 0`);
}
