// Takes back what manifests grant, and grants it again. What is taken back counts no more at a node as
// soon as that hears of it; a revision says so too, for whatever manifests grant to that holder later.
import { longWork } from "../actors/in-hand.ts";
import type { Grantee } from "../actors/kernel/capabilities.ts";
import { CellError } from "../errors/cell-error.ts";
import { ok, type Result } from "../errors/result.ts";
import type { PlacedGraph } from "../manifest/graph.ts";
import { clientKey, clientMark, type Holder } from "../manifest/holders.ts";
import { mapKey, toHex } from "../security/bytes.ts";
import { isVoid, NEVER_UNIX_MS, type RevokedView } from "../security/capability/manifest-capability.ts";
import { type Revoked, type RevokedToken, withToken } from "../security/revocation/revoked.ts";
import type { Asked, GraphKeeper } from "./graph-keeper.ts";
import {
  bareAt,
  capabilitiesIn,
  type Held,
  heldAt,
  keyOfHash,
  regrantedIn,
  revokedIn,
} from "./manifest-capabilities.ts";
import type { Revisions } from "./revisions.ts";
import type { CellRevocations } from "./revocations.ts";
import { within } from "./within.ts";

export type GrantPorts = {
  readonly keeper: Pick<GraphKeeper, "changeCapabilities">;
  readonly revisions: Pick<Revisions, "all" | "current">;
  readonly revocations: CellRevocations;
  readonly onProblem: (error: CellError) => void;
};

/** An apply that is under way may take long: it is in force meanwhile, and the revision follows. */
const MARKED_WITHIN_MS = 3_000;
/** Looked at for a hash. */
const MOST_HASHED = 100_000;

/** Whose capability has this hash now, or had in a revision that is kept. */
export const holderOfHash = (hash: Uint8Array, { revisions }: GrantPorts): string | undefined =>
  longWork(() => {
    let left = MOST_HASHED;
    for (const { placed } of revisions.all().toReversed()) {
      const key = keyOfHash(placed, hash, left);
      if (key !== undefined) return key;
      left -= capabilitiesIn(placed).size;
      if (left <= 0) return undefined;
    }
    return undefined;
  });

/** Throws ACTOR_NOT_FOUND, and what revocations and revisions are refused with. */
export async function takeBack(
  whose: Grantee | { readonly key: string },
  ports: GrantPorts,
  asked: Asked,
): Promise<{ readonly hash: string; readonly already: boolean }> {
  const { keeper, revisions, revocations, onProblem } = ports;
  const kept = revisions.all().map(({ placed }) => placed);
  const keys = longWork(() => keysOf(whose, kept));
  // A node that is behind has an earlier one.
  const tokens = longWork(() =>
    kept.flatMap((placed) => keys.flatMap((key) => tokenOf(placed, key, revocations.list))),
  );
  const [newest] = tokens.slice(-1);
  if (newest === undefined) throw notGranted(whose);
  const already = isVoidNow(keys, ports);
  const isListed = await list(tokens, revocations, asked);
  const marks = "client" in whose ? [...keys, clientMark(whose.client)] : keys;
  const marking = keeper.changeCapabilities((placed) => revokedIn(placed, marks), asked);
  if (isListed) {
    marking.catch(onProblem);
    await within(MARKED_WITHIN_MS, marking);
  } else await marking;
  return { hash: toHex(newest.hash), already };
}

function keysOf(whose: Grantee | { readonly key: string }, kept: readonly PlacedGraph[]): readonly string[] {
  if ("key" in whose) return [whose.key];
  if ("actor" in whose) return [whose.actor];
  const clients = kept.flatMap((placed) => placed.clients.filter(({ name }) => name === whose.client));
  return [...new Set(clients.map(({ graph, name }) => clientKey(graph, name)))];
}

/** False: there is no room for it, and the revision alone will say so. */
async function list(
  tokens: readonly RevokedToken[],
  revocations: CellRevocations,
  asked: Asked,
): Promise<boolean> {
  try {
    await revocations.change((revoked) => withTokens(revoked, tokens), asked);
    return true;
  } catch (error) {
    if (error instanceof CellError && error.code === "CAPABILITY_REVOCATIONS_FULL") return false;
    throw error;
  }
}

function isVoidNow(keys: readonly string[], { revisions, revocations }: GrantPorts): boolean {
  const placed = revisions.current()?.placed;
  const present =
    placed === undefined ? [] : keys.flatMap((key) => capabilityAt(placed, key, revocations.list) ?? []);
  return present.every((capability) => isVoid(capability, revocations.list));
}

/**
 * Resolves with how many hold again what they are granted. Of a graph those who were revoked with all of it; who was
 * revoked alone is to be named. Throws ACTOR_NOT_FOUND, CELL_REVISION_CONFLICT when it was revoked meanwhile, and
 * what a revision is refused with.
 */
export async function regrant(
  whose: Grantee | { readonly graph: string },
  { keeper, revocations, revisions }: GrantPorts,
  asked: Asked,
): Promise<{ readonly holders: number; readonly left: number; readonly revision: number }> {
  const { list: revoked } = revocations;
  const scopes = revisions.current()?.placed.roots.map(({ path }) => [path, revoked.epochOf(path)] as const);
  const epochs = new Map(scopes);
  let told = { holders: 0, left: 0 };
  const change = (placed: PlacedGraph) => {
    const fallen = heldBy(whose, placed, revoked).filter(({ capability }) => isVoid(capability, revoked));
    const isAlone = ({ capability }: Held) => capability.revoked || revoked.isRevoked(capability.hash());
    const back = "graph" in whose ? fallen.filter((each) => !isAlone(each)) : fallen;
    told = { holders: back.length, left: fallen.length - back.length };
    const holders = back.map(({ holder }) => holder);
    requireUnraised(holders, epochs, revoked);
    return regrantedIn(placed, holders, revoked, "client" in whose ? [whose.client] : []);
  };
  const revision = await keeper.changeCapabilities((placed) => longWork(() => change(placed)), asked);
  return { ...told, revision };
}

/** What was revoked while this waited for its turn stays so. */
function requireUnraised(
  holders: readonly Holder[],
  epochs: ReadonlyMap<string, number>,
  { epochOf }: Pick<CellRevocations["list"], "epochOf">,
): void {
  const raised = holders.find(({ graph }) => epochs.get(graph) !== epochOf(graph));
  if (raised === undefined) return;
  throw new CellError("CELL_REVISION_CONFLICT", `what ${raised.graph} grants was revoked meanwhile`, {
    remedy: "Ask again, if it is to be granted all the same.",
  });
}

function heldBy(
  whose: Grantee | { readonly graph: string },
  placed: PlacedGraph,
  view: RevokedView,
): readonly Held[] {
  const found = [...capabilitiesIn(placed).values()].filter(({ holder: { kind, name, graph } }) => {
    if ("graph" in whose) return graph === whose.graph;
    return "actor" in whose
      ? kind === "actor" && name === whose.actor
      : kind === "client" && name === whose.client;
  });
  const isMarked = "client" in whose && placed.capabilities?.[clientMark(whose.client)] !== undefined;
  if (found.length > 0 || isMarked) return found;
  const bare = "actor" in whose ? bareAt(placed, whose.actor, view) : undefined;
  if (bare !== undefined) return [bare];
  throw notGranted(whose);
}

const notGranted = (whose: Readonly<Record<string, string>>): CellError =>
  new CellError("ACTOR_NOT_FOUND", "no manifest in force has it", {
    where: Object.values(whose).join(""),
    remedy:
      "`cell0 cap list` names those that are granted anything, `cell0 get actors` all actors; children that were started at run time have what their supervisor's template is granted.",
  });

/** Also of an actor that is granted nothing. */
const capabilityAt = (graph: PlacedGraph, key: string, view: RevokedView) =>
  heldAt(graph, key) ?? bareAt(graph, key, view)?.capability;

/** As it stands on the list of what is revoked: until its scope's epoch is raised. */
function tokenOf(graph: PlacedGraph, key: string, view: RevokedView): readonly RevokedToken[] {
  const capability = capabilityAt(graph, key, view);
  if (capability === undefined) return [];
  const { hash, scope, epoch } = capability;
  return [{ hash: hash(), terms: { scope, epoch, notAfterUnixMs: NEVER_UNIX_MS } }];
}

/** CAPABILITY_REVOCATIONS_FULL. */
function withTokens(revoked: Revoked, tokens: readonly RevokedToken[]): Result<Revoked, CellError> {
  const each = new Map(tokens.map((token) => [mapKey(token.hash), token]));
  return [...each.values()].reduce<Result<Revoked, CellError>>(
    (all, token) => (all.ok ? withToken(all.value, token) : all),
    ok(revoked),
  );
}
