// Whether a token allows nothing that its parent does not, in every dimension. Decidable, and
// on the safe side: a permission must lie within a single one of the parent's.
import { areWithin } from "../grants/patterns.ts";
import { implies } from "./constraint.ts";
import type { Permission } from "./permission.ts";
import type { ResourceLimits, TokenClaims, TokenKindName } from "./token.ts";

type Narrowed = Omit<TokenClaims, "id" | "holder" | "parent">;

/** What is wider than the parent, in words; undefined: nothing is. */
export function widened(child: Narrowed, parent: Narrowed): string | undefined {
  if (!mayFollow(child.kind, parent.kind)) return `its kind is ${child.kind}`;
  if (child.scope !== parent.scope) return `its scope is ${child.scope}`;
  if (child.epoch !== parent.epoch) return `its epoch is ${child.epoch}`;
  if (child.notBeforeUnixMs < parent.notBeforeUnixMs) return "it begins earlier";
  if (child.notAfterUnixMs > parent.notAfterUnixMs) return "it ends later";
  if (child.maxDepth >= parent.maxDepth) return "it may be handed on as often as its parent";
  const limit = widenedLimit(child.limits, parent.limits);
  if (limit !== undefined) return `its limit ${limit} is higher, or missing`;
  const loose = child.permissions.find(
    (permission) => !parent.permissions.some((wide) => isPermissionWithin(permission, wide)),
  );
  return loose && `no single permission of its parent holds ${describe(loose)}`;
}

/** Nothing follows an actor's; for an actor is narrower than for a client, and once than many times. */
function mayFollow(kind: TokenKindName, parent: TokenKindName): boolean {
  if (parent === "agent") return false;
  if (kind === "agent") return parent !== "federation";
  return kind === parent || kind === "ephemeral";
}

export function isPermissionWithin(inner: Permission, outer: Permission): boolean {
  return (
    areWithin(inner.intents, outer.intents, ".") &&
    areWithin(inner.targets, outer.targets, "/") &&
    outer.constraints.every((wide) => inner.constraints.some((each) => implies(each, wide)))
  );
}

function widenedLimit(child: ResourceLimits, parent: ResourceLimits): string | undefined {
  return (Object.keys(parent) as (keyof ResourceLimits)[]).find(
    (name) => (child[name] ?? Number.POSITIVE_INFINITY) > (parent[name] ?? Number.POSITIVE_INFINITY),
  );
}

const describe = ({ intents, targets }: Permission): string =>
  `${intents.join(", ").slice(0, 128)} to ${targets.join(", ").slice(0, 128)}`;
