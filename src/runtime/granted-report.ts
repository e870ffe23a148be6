// What manifests grant, for a listing.
import type { GrantedRow, RevokedHolder } from "../actors/kernel/reports.ts";
import type { PlacedGraph } from "../manifest/graph.ts";
import { mintingOf } from "../manifest/holders.ts";
import { toolLines } from "../manifest/tool-text.ts";
import { toHex } from "../security/bytes.ts";
import { isVoid, type RevokedView } from "../security/capability/manifest-capability.ts";
import { capabilitiesIn, type Held, voidIn } from "./manifest-capabilities.ts";

/** So many holders at most; who is granted something by a graph of 100,000 actors is in its manifest. */
const MOST_LISTED = 1_000;

/** Those that are revoked first. */
export function grantedRows(
  graph: PlacedGraph,
  revoked: RevokedView,
): { readonly granted: readonly GrantedRow[]; readonly grantedInAll: number } {
  const all = [...capabilitiesIn(graph).values()];
  const first = voidIn(graph, revoked).slice(0, MOST_LISTED);
  const known = new Set(all.map(({ holder }) => holder.key));
  const bare = first.filter(({ holder }) => !known.has(holder.key)).length;
  const others = all.filter(({ capability }) => !isVoid(capability, revoked));
  const shown = [...first, ...others.slice(0, MOST_LISTED - first.length)];
  return { granted: shown.map((each) => rowOf(each, graph, revoked)), grantedInAll: all.length + bare };
}

function rowOf({ holder, capability }: Held, graph: PlacedGraph, revoked: RevokedView): GrantedRow {
  const { key, kind, name, grants, tools } = holder;
  const { hash, scope, epoch } = capability;
  return {
    ...{ hash: toHex(hash()), kind, holder: name, grants, tools: toolLines(tools), scope, epoch },
    generation: mintingOf(graph, key).generation,
    revoked: isVoid(capability, revoked),
  };
}

/** The first 1,000 of these graphs that are granted nothing any more. */
export const revokedHolders = (
  graph: PlacedGraph,
  revoked: RevokedView,
  named: ReadonlySet<string>,
): readonly RevokedHolder[] =>
  voidIn(graph, revoked)
    .filter(({ holder }) => named.has(holder.graph))
    .slice(0, MOST_LISTED)
    .map(({ holder: { kind, name, graph: of } }) => ({ kind, holder: name, graph: of }));
