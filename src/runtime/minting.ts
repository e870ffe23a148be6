// Mints capabilities for those who ask, within what they are granted themselves, and tells what was
// minted. A token counts whether or not it is on record; one that is not on record is not given out.
// What somebody had minted who cannot raise epochs is in a scope of that one's name, so that one epoch
// takes all of it back.
import { setImmediate as nextTurn } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Minter, MintRequest } from "../actors/kernel/capabilities.ts";
import type { MintedRow } from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import { MintedCapabilitySchema } from "../gen/cell0/v1/capability_pb.ts";
import { fromHex, toHex } from "../security/bytes.ts";
import type { ApprovalDemand } from "../security/capability/approval.ts";
import { isAuthority } from "../security/capability/chain-verifier.ts";
import type { Constraint } from "../security/capability/constraint.ts";
import {
  CONSTRAINT_FORMS,
  parseConstraint,
  permissionsAsText,
} from "../security/capability/constraint-text.ts";
import { actorHolder, isHeldBy } from "../security/capability/holder.ts";
import { mayHold } from "../security/capability/may-hold.ts";
import { isPermissionWithin } from "../security/capability/narrower.ts";
import type { Permission } from "../security/capability/permission.ts";
import { kindForClient } from "../security/capability/reach.ts";
import { limitsIn, readToken, signToken, type Token } from "../security/capability/token.ts";
import { checkGrants, type Grant, grantAllows } from "../security/grants/grants.ts";
import type { Granted } from "../security/intake/authority.ts";
import type { Signer } from "../security/keys/signing-key.ts";
import { verifyEd25519 } from "../security/keys/verify.ts";
import { isActorPath } from "../security/names.ts";
import type { RevocationList } from "../security/revocation/revocation-list.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import { capabilityInput } from "../security/wire/signing-input.ts";
import { decodeStrict } from "../security/wire/strict-decode.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { MintedStream } from "../transport/streams/minted-stream.ts";

const CAPABILITIES = "kernel/capabilities";
const LIST_TIMEOUT_MS = 3_000;
const MOST_LISTED = 1_000;
const RECORDS_A_TURN = 32;
const DEFAULT_SCOPE = "default";
/** Of tokens of who may not revoke by scopes. */
const MAX_TTL_MS = 30 * 86_400_000;

export type MintPorts = {
  readonly key: Signer;
  readonly trust: TrustStore;
  readonly revocations: RevocationList;
  readonly stream: MintedStream;
  /** What is granted to an actor, or to a client by manifests. */
  readonly actorGrants: (path: string) => Granted;
  readonly clientGrants: (principal: string) => readonly Granted[];
  readonly nextId: () => Uint8Array;
  readonly record: (event: EventInput) => void;
};

/**
 * Throws CAPABILITY_MALFORMED for what is no token, CAPABILITY_KINDS_MIXED, AUTHORITY_INTENT_FORBIDDEN beyond who
 * asks, and what the broker refuses.
 */
export async function mintToken(request: MintRequest, minter: Minter, ports: MintPorts): Promise<Token> {
  const { key, trust, revocations, stream, record } = ports;
  const now = Date.now();
  const grants = grantsOf(minter, ports, now);
  const { scope, untilUnixMs } = boundsOf(minter, request, grants);
  if (now + request.ttlMs > untilUnixMs) {
    const what = `its end lies beyond ${new Date(untilUnixMs).toISOString()}, up to which ${nameOf(minter)} may have tokens minted`;
    throw new CellError("AUTHORITY_INTENT_FORBIDDEN", what);
  }
  const { kind, ...named } = holderOf(request, trust, now);
  const token = signToken(
    {
      id: ports.nextId(),
      kind,
      holder: named.holder,
      parent: new Uint8Array(),
      permissions: permissionsOf(request, minter, grants.grants),
      limits: limitsIn((name) => request[name]),
      notBeforeUnixMs: now,
      notAfterUnixMs: now + request.ttlMs,
      maxDepth: request.depth,
      scope,
      epoch: revocations.epochOf(scope),
      approval: demandOf(request),
    },
    key,
    trust.genesis.hash,
  );
  if (!token.ok) throw token.error;
  const { hash, bytes, holder, notAfterUnixMs } = token.value;
  const author = nameOf(minter);
  const causeId = fromHex(minter.id) ?? new Uint8Array();
  const { actor = "" } = named;
  const minted = create(MintedCapabilitySchema, { token: bytes, author, causeId, actor });
  const written = await stream.append(toHex(hash), toBinary(MintedCapabilitySchema, minted));
  if (!written.ok) throw written.error;
  const value = { token: hash, holder, author, scope, notAfterUnixMs };
  record({ kind: { case: "capabilityMinted", value } });
  return token.value;
}

/** Of the newest 1,000 those that have not ended; the newest last. */
export async function mintedRows(ports: MintPorts): Promise<readonly MintedRow[]> {
  const records = await ports.stream.newest(MOST_LISTED, AbortSignal.timeout(LIST_TIMEOUT_MS));
  const rows: MintedRow[] = [];
  for (const [at, record] of records.entries()) {
    // Each takes a verification.
    if (at % RECORDS_A_TURN === 0) await nextTurn();
    const row = rowOf(record, ports);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

function rowOf(bytes: Uint8Array, { trust, revocations }: MintPorts): MintedRow | undefined {
  const now = Date.now();
  const read = decodeStrict(MintedCapabilitySchema, bytes, {});
  const token = read.ok ? readToken(read.value.token) : undefined;
  if (!read.ok || token?.ok !== true || token.value.notAfterUnixMs <= now) return undefined;
  if (!isMintedHere(token.value, trust, now)) return undefined;
  const { hash, holder, permissions, kind, limits, maxDepth, scope, epoch, notAfterUnixMs, approval } =
    token.value;
  return {
    hash: toHex(hash),
    holder: toHex(holder),
    ...nameOfHolder(token.value, read.value.actor, trust, now),
    permissions: permissionsAsText(permissions),
    kind,
    once: kind === "ephemeral",
    ...limits,
    depth: maxDepth,
    ...(approval === undefined
      ? {}
      : { approval: { needed: approval.needed, approvers: approval.approvers.map(toHex) } }),
    scope,
    epoch,
    notAfterUnixMs,
    author: read.value.author,
    revoked: revocations.isRevoked(hash) || epoch !== revocations.epochOf(scope),
  };
}

/** The stream is any node's to write. */
function isMintedHere(token: Token, trust: TrustStore, nowUnixMs: number): boolean {
  const { issuer, body, signature } = token;
  if (!isAuthority(token, trust, nowUnixMs)) return false;
  return verifyEd25519(issuer, capabilityInput(trust.genesis.hash, issuer, body), signature);
}

/** The client's, or the actor's that the record names and the token too. */
function nameOfHolder(
  token: Token,
  actor: string,
  trust: TrustStore,
  nowUnixMs: number,
): Pick<MintedRow, "client" | "actor"> {
  if (token.kind === "agent") return isHeldBy(token, { actor }, trust.genesis.hash) ? { actor } : {};
  const client = trust.byKey(token.holder, nowUnixMs);
  return client.ok ? { client: client.value.principal } : {};
}

type NamedHolder = Pick<Token, "kind" | "holder"> & { readonly actor?: string };

function holderOf(
  { holder, once, depth, permissions }: MintRequest,
  trust: TrustStore,
  nowUnixMs: number,
): NamedHolder {
  if (isActorPath(holder)) {
    if (!once && depth === 0)
      return { kind: "agent", holder: actorHolder(trust.genesis.hash, holder), actor: holder };
    const what = "an actor's token is not handed on, and serves once with `calls` 1";
    throw new CellError("CAPABILITY_MALFORMED", what, { where: holder });
  }
  const key = fromHex(holder) ?? new Uint8Array();
  if (!mayHold(key, trust, nowUnixMs)) {
    const what = "its holder's key is no client's that counts";
    throw new CellError("CAPABILITY_MALFORMED", what, { where: holder });
  }
  if (once) return { kind: "ephemeral", holder: key };
  const kind = kindForClient(permissions);
  if (!kind.ok) throw kind.error;
  return { kind: kind.value, holder: key };
}

const demandOf = ({ approval }: MintRequest): ApprovalDemand | undefined =>
  approval && {
    needed: approval.needed,
    approvers: approval.approvers.map((hex) => fromHex(hex) ?? new Uint8Array()),
  };

function permissionsOf(
  { permissions }: MintRequest,
  minter: Minter,
  grants: readonly Grant[],
): readonly Permission[] {
  return permissions.map(({ intents, targets, where }) => {
    const form = checkGrants([{ intents, targets }]);
    if (!form.ok) throw new CellError("CAPABILITY_MALFORMED", form.error.message);
    const permission = { intents, targets, constraints: where.map(constraintOf) };
    if (grants.some((grant) => isPermissionWithin(permission, { ...grant, constraints: [] })))
      return permission;
    const what = `no single grant of ${nameOf(minter)} holds ${intents.join(", ")} to ${targets.join(", ")}`;
    throw new CellError("AUTHORITY_INTENT_FORBIDDEN", what.slice(0, 512));
  });
}

type Standing = {
  readonly grants: readonly Grant[];
  /** Up to which they are granted. */
  readonly untilUnixMs: number;
};

/** Those that count now. */
const counting = (granted: readonly Granted[]): readonly Grant[] =>
  granted.flatMap(({ grants, capability }) => (capability?.fault() === undefined ? grants : []));

function grantsOf({ principal, source }: Minter, ports: MintPorts, nowUnixMs: number): Standing {
  const always = Number.MAX_SAFE_INTEGER;
  if (source !== "") return { grants: counting([ports.actorGrants(source)]), untilUnixMs: always };
  const certificate = ports.trust.byPrincipal(principal, nowUnixMs);
  if (!certificate.ok || certificate.value.kind !== "client") return { grants: [], untilUnixMs: always };
  const { grants, notAfterUnixMs: untilUnixMs } = certificate.value;
  return { grants: [...grants, ...counting(ports.clientGrants(principal))], untilUnixMs };
}

/** Who may raise epochs chooses scope and end; everybody else's are its own. Throws AUTHORITY_INTENT_FORBIDDEN. */
function boundsOf(
  minter: Minter,
  { scope }: MintRequest,
  { grants, untilUnixMs }: Standing,
): { readonly scope: string; readonly untilUnixMs: number } {
  if (grantAllows(grants, "epoch.raise", CAPABILITIES)) {
    return { scope: scope ?? DEFAULT_SCOPE, untilUnixMs: Number.MAX_SAFE_INTEGER };
  }
  const own = minter.source === "" ? minter.principal : (minter.source.split("/", 1)[0] ?? "");
  if (scope !== undefined && scope !== own) {
    const what = `the scope of what ${nameOf(minter)} has minted is ${own}`;
    throw new CellError("AUTHORITY_INTENT_FORBIDDEN", what);
  }
  return { scope: own, untilUnixMs: Math.min(untilUnixMs, Date.now() + MAX_TTL_MS) };
}

const nameOf = ({ principal, source }: Minter): string => source || principal;

function constraintOf(text: string): Constraint {
  const constraint = parseConstraint(text);
  if (constraint !== undefined) return constraint;
  throw new CellError("CAPABILITY_MALFORMED", `a condition is one of: ${CONSTRAINT_FORMS}`, {
    where: text.slice(0, 80),
  });
}
