// The capabilities that manifests grant: minted as a revision is made, by the node that signs it, and
// asked for by holder at every node. Whoever's was revoked is granted nothing, whatever the manifest
// says from then on, until that one is granted it again.
import { canonical } from "../manifest/canonical.ts";
import type { Minting, PlacedGraph } from "../manifest/graph.ts";
import {
  clientMark,
  graphOfKey,
  type Holder,
  holderAt,
  holdersOf,
  isBare,
  mintingOf,
  ungrantedAt,
  ungrantedOf,
} from "../manifest/holders.ts";
import { equalBytes } from "../security/bytes.ts";
import {
  isVoid,
  type ManifestCapability,
  manifestCapability,
  type RevokedView,
} from "../security/capability/manifest-capability.ts";

export type Held = { readonly holder: Holder; readonly capability: ManifestCapability };

const held = new WeakMap<PlacedGraph, ReadonlyMap<string, Held>>();

/** By the holder's key, in the order of the graph. */
export function capabilitiesIn(graph: PlacedGraph): ReadonlyMap<string, Held> {
  const known = held.get(graph);
  if (known !== undefined) return known;
  const made = new Map(
    [...holdersOf(graph)].map((holder) => {
      const capability = capabilityOf(holder, mintingOf(graph, holder.key));
      return [holder.key, { holder, capability }] as const;
    }),
  );
  held.set(graph, made);
  return made;
}

function capabilityOf(holder: Holder, minting: Minting): ManifestCapability {
  const { key, graph, grants, tools } = holder;
  // Known without its manifest.
  const content = isBare(holder) ? { grants: [] } : { grants, tools };
  const { epoch, generation, revoked = false } = minting;
  return manifestCapability({ scope: graph, epoch, revoked }, () => [key, canonical(content), generation]);
}

/** Of one holder, without those of all others being made. */
export function heldAt(graph: PlacedGraph, key: string): ManifestCapability | undefined {
  const holder = holderAt(graph, key);
  return holder && capabilityOf(holder, mintingOf(graph, key));
}

/**
 * What an actor holds that is granted nothing: it may be handed tokens, and is taken back as any other. Of its
 * graph's present epoch, for with the graph's grants it loses nothing.
 * @param path of the actor, which is not looked up, or of the supervisor whose template it is
 */
export function bareCapability(
  graph: PlacedGraph,
  path: string,
  { epochOf }: Pick<RevokedView, "epochOf">,
): ManifestCapability {
  const scope = graphOfKey(path);
  const holder = { key: path, kind: "actor", name: path, graph: scope, grants: [] } as const;
  return capabilityOf(holder, { ...mintingOf(graph, path), epoch: epochOf(scope) });
}

/** Of the actor with this path, if it is granted nothing. */
export function bareAt(graph: PlacedGraph, path: string, view: RevokedView): Held | undefined {
  const holder = ungrantedAt(graph, path);
  return holder && { holder, capability: bareCapability(graph, path, view) };
}

/** Whose capability has this hash; undefined also beyond so many that are looked at. */
export function keyOfHash(graph: PlacedGraph, hash: Uint8Array, atMost: number): string | undefined {
  let looked = 0;
  for (const holder of holdersOf(graph)) {
    looked += 1;
    if (looked > atMost) return undefined;
    const { key } = holder;
    if (equalBytes(capabilityOf(holder, mintingOf(graph, key)).hash(), hash)) return key;
  }
  return undefined;
}

/** Those of a graph that count no more. */
export const voidIn = (graph: PlacedGraph, revoked: RevokedView): readonly Held[] =>
  revoked.isEmpty() && graph.capabilities === undefined
    ? []
    : [
        ...[...capabilitiesIn(graph).values()].filter(({ capability }) => isVoid(capability, revoked)),
        ...markedBare(graph, revoked),
      ];

/** Those that are granted nothing and, as the revision says, send nothing. */
function markedBare(graph: PlacedGraph, view: RevokedView): readonly Held[] {
  const granted = capabilitiesIn(graph);
  const marked = Object.entries(graph.capabilities ?? {}).filter(
    ([key, { revoked }]) => revoked === true && !granted.has(key),
  );
  if (marked.length === 0) return [];
  const keys = new Set(marked.map(([key]) => key));
  return [...ungrantedOf(graph)]
    .filter(({ key }) => keys.has(key))
    .map((holder) => ({ holder, capability: bareCapability(graph, holder.key, view) }));
}

/**
 * The same graph with what is minted for it: who was granted something before keeps when, and what counted no more
 * counts no more, also where the graph grants it something else now, and where it comes back after it was gone.
 */
export function withCapabilities(
  graph: PlacedGraph,
  previous: PlacedGraph | undefined,
  revoked: RevokedView,
): PlacedGraph {
  const minted = new Map<string, Minting>();
  const before = previous === undefined ? new Map<string, Held>() : capabilitiesIn(previous);
  for (const { key, kind, name, graph: scope } of holdersOf(graph)) {
    const wasThere = before.has(key) || isKnown(previous, key);
    const { revoked: _, ...minting } = wasThere
      ? mintingOf(previous ?? graph, key)
      : { epoch: revoked.epochOf(scope), generation: 0 };
    const isMarked = kind === "client" && isKnown(previous, clientMark(name));
    const isVoidNow = wasThere ? wasVoid(key, previous, revoked) : isMarked;
    minted.set(key, { ...minting, ...(isVoidNow && { revoked: true }) });
  }
  for (const key of [...before.keys(), ...Object.keys(previous?.capabilities ?? {})]) {
    if (minted.has(key) || previous === undefined) continue;
    const minting = mintingOf(previous, key);
    if (wasVoid(key, previous, revoked)) minted.set(key, { ...minting, revoked: true });
    else if (minting.generation > 0) minted.set(key, minting);
  }
  return withMinted(graph, minted);
}

const isKnown = (graph: PlacedGraph | undefined, key: string): boolean =>
  graph?.capabilities !== undefined && Object.hasOwn(graph.capabilities, key);

function wasVoid(key: string, previous: PlacedGraph | undefined, revoked: RevokedView): boolean {
  if (previous === undefined) return false;
  const present = capabilitiesIn(previous).get(key);
  if (present !== undefined) return isVoid(present.capability, revoked);
  const { revoked: isRevoked, epoch } = mintingOf(previous, key);
  return isKnown(previous, key) && (isRevoked === true || epoch < revoked.epochOf(graphOfKey(key)));
}

/** The same graph, of which these hold nothing that counts. */
export function revokedIn(graph: PlacedGraph, keys: readonly string[]): PlacedGraph {
  const minted = new Map(Object.entries(graph.capabilities ?? {}));
  for (const key of keys) minted.set(key, { ...mintingOf(graph, key), revoked: true });
  return withMinted(graph, minted);
}

/**
 * The same graph, in which these hold again what it grants to them.
 * @param names clients to whom further graphs may grant something again
 */
export function regrantedIn(
  graph: PlacedGraph,
  holders: readonly Holder[],
  revoked: RevokedView,
  names: readonly string[] = [],
): PlacedGraph {
  const minted = new Map(Object.entries(graph.capabilities ?? {}));
  for (const name of names) minted.delete(clientMark(name));
  for (const holder of holders) {
    const epoch = revoked.epochOf(holder.graph);
    let generation = mintingOf(graph, holder.key).generation + 1;
    // No longer than the list of what is revoked.
    while (isVoid(capabilityOf(holder, { epoch, generation }), revoked)) generation += 1;
    minted.set(holder.key, { epoch, generation });
  }
  return withMinted(graph, minted);
}

/** What is as if nothing had ever been revoked is not written. */
function withMinted(
  { roots, clients, placed }: PlacedGraph,
  minted: ReadonlyMap<string, Minting>,
): PlacedGraph {
  const told = [...minted].filter(
    ([, { epoch, generation, revoked }]) => epoch > 0 || generation > 0 || revoked === true,
  );
  return told.length === 0
    ? { roots, clients, placed }
    : { roots, clients, placed, capabilities: Object.fromEntries(told) };
}
