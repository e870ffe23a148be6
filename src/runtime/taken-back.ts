// Takes back what manifests grant, and grants it again. What is taken back counts no more at a node as
// soon as that hears of it; the next revision says so too, for whatever the manifest grants later.
import type { Grantee } from "../actors/kernel/capabilities.ts";
import { CellError } from "../errors/cell-error.ts";
import { ok, type Result } from "../errors/result.ts";
import type { PlacedGraph } from "../manifest/graph.ts";
import { equalBytes, mapKey, toHex } from "../security/bytes.ts";
import { isVoid, NEVER_UNIX_MS } from "../security/capability/manifest-capability.ts";
import { type Revoked, type RevokedToken, withToken } from "../security/revocation/revoked.ts";
import type { Asked, GraphKeeper } from "./graph-keeper.ts";
import { capabilitiesIn, type Held, heldIn, regrantedIn, revokedIn } from "./manifest-capabilities.ts";
import type { Revisions } from "./revisions.ts";
import type { CellRevocations } from "./revocations.ts";

export type GrantPorts = {
  readonly keeper: Pick<GraphKeeper, "changeCapabilities">;
  readonly revisions: Pick<Revisions, "all" | "current">;
  readonly revocations: CellRevocations;
};

type Whose = Grantee | { readonly graph: string };

/** Throws ACTOR_NOT_FOUND, and what revocations and revisions are refused with. */
export async function takeBack(
  whose: Grantee,
  { keeper, revisions, revocations }: GrantPorts,
  asked: Asked,
): Promise<{ readonly hash: string; readonly already: boolean }> {
  let told = { hash: "", already: true };
  await keeper.changeCapabilities(async (placed) => {
    const held = heldBy(whose, placed);
    const [first] = held;
    if (first !== undefined)
      told = { hash: toHex(first.capability.hash()), already: areVoid(held, revocations) };
    const keys = held.map(({ holder }) => holder.key);
    // A node that is behind has an earlier one.
    const tokens = revisions.all().flatMap((kept) => keys.flatMap((key) => tokenOf(kept.placed, key)));
    await revocations.change((revoked) => withTokens(revoked, tokens), asked);
    return revokedIn(placed, keys);
  }, asked);
  return told;
}

/** Resolves with how many hold again what they are granted. Throws ACTOR_NOT_FOUND, and what a revision is refused with. */
export async function regrant(
  whose: Whose,
  { keeper, revocations }: GrantPorts,
  asked: Asked,
): Promise<{ readonly holders: number; readonly revision: number }> {
  let holders = 0;
  const revision = await keeper.changeCapabilities((placed) => {
    const fallen = heldBy(whose, placed).filter(({ capability }) => isVoid(capability, revocations.list));
    holders = fallen.length;
    return regrantedIn(
      placed,
      fallen.map(({ holder }) => holder),
      revocations.list,
    );
  }, asked);
  return { holders, revision };
}

/** Whose capability has this hash, of those in force. */
export function granteeOf(hash: Uint8Array, placed: PlacedGraph): Grantee | undefined {
  for (const { holder, capability } of capabilitiesIn(placed).values()) {
    if (!equalBytes(capability.hash(), hash)) continue;
    return holder.kind === "actor" ? { actor: holder.name } : { client: holder.name };
  }
  return undefined;
}

const areVoid = (held: readonly Held[], { list }: CellRevocations): boolean =>
  held.every(({ capability }) => isVoid(capability, list));

function heldBy(whose: Whose, placed: PlacedGraph): readonly Held[] {
  const found = [...capabilitiesIn(placed).values()].filter(({ holder: { kind, name, graph } }) => {
    if ("graph" in whose) return graph === whose.graph;
    return "actor" in whose
      ? kind === "actor" && name === whose.actor
      : kind === "client" && name === whose.client;
  });
  if (found.length > 0) return found;
  throw new CellError("ACTOR_NOT_FOUND", "no manifest in force grants it anything", {
    where: Object.values(whose).join(""),
    remedy:
      "`cell0 cap list` names those that are granted anything; children that were started at run time have what their supervisor's template is granted.",
  });
}

/** As it stands on the list of what is revoked: until its scope's epoch is raised. */
function tokenOf(graph: PlacedGraph, key: string): readonly RevokedToken[] {
  const capability = heldIn(graph, key);
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
