// Hands a token on to an actor, so that it acts in the stead of who holds it.
import { CellError } from "../../errors/cell-error.ts";
import { err, type Result } from "../../errors/result.ts";
import type { Signer } from "../keys/signing-key.ts";
import { isActorPath } from "../names.ts";
import { attenuate, type Chain } from "./chain.ts";
import { CONSTRAINT_FORMS, parseConstraint } from "./constraint-text.ts";
import { actorHolder } from "./holder.ts";
import { narrowPermissions } from "./narrow-permissions.ts";

/** What is narrower than the token; absent: as the token has it. */
export type ForActor = {
  readonly intents?: readonly string[];
  readonly targets?: readonly string[];
  /** Conditions as `cell0 cap mint --where` takes them, e.g. "/amount <= 10"; all must hold, beside the token's. */
  readonly where?: readonly string[];
  /** Milliseconds from now. */
  readonly ttlMs?: number;
  /** So many intents. */
  readonly calls?: number;
  /** So many agents are started under it at run time. */
  readonly agents?: number;
};

/** CAPABILITY_HOLDER_MISMATCH, CAPABILITY_WIDENED, CAPABILITY_EXPIRED, CAPABILITY_MALFORMED. */
export function narrowToActor(
  chain: Chain,
  actor: string,
  { intents, targets, where = [], ttlMs, calls, agents }: ForActor,
  by: {
    readonly key: Signer;
    readonly genesisHash: Uint8Array;
    readonly id: Uint8Array;
    readonly nowUnixMs: number;
  },
): Result<Chain, CellError> {
  const { last: parent } = chain;
  if (!isActorPath(actor)) return malformed("no actor has such a path", actor);
  const constraints = [];
  for (const text of where) {
    const constraint = parseConstraint(text);
    if (constraint === undefined) return malformed(`a condition is one of: ${CONSTRAINT_FORMS}`, text);
    constraints.push(constraint);
  }
  const permissions = narrowPermissions(parent.permissions, { intents, targets, constraints });
  if (permissions.length === 0) {
    const what = "no single permission of its parent holds these intents and targets";
    return err(new CellError("CAPABILITY_WIDENED", what));
  }
  const notBeforeUnixMs = Math.max(by.nowUnixMs, parent.notBeforeUnixMs);
  const notAfterUnixMs = ttlMs === undefined ? parent.notAfterUnixMs : by.nowUnixMs + ttlMs;
  if (notBeforeUnixMs >= notAfterUnixMs) return err(new CellError("CAPABILITY_EXPIRED"));
  const claims = {
    ...{ id: by.id, kind: "agent" as const, holder: actorHolder(by.genesisHash, actor), permissions },
    limits: {
      ...parent.limits,
      ...(calls === undefined ? {} : { calls }),
      ...(agents === undefined ? {} : { agents }),
    },
    ...{ notBeforeUnixMs, notAfterUnixMs, maxDepth: 0, scope: parent.scope, epoch: parent.epoch },
  };
  return attenuate(chain, claims, by.key, by.genesisHash);
}

const malformed = (what: string, where: string) =>
  err(new CellError("CAPABILITY_MALFORMED", what, { where: where.slice(0, 80) }));
