// Makes, narrows and shows capability tokens for the command line.
import { randomBytes } from "node:crypto";
import { isPermissionName } from "../actors/kernel/permission-names.ts";
import { CellError } from "../errors/cell-error.ts";
import { toHex } from "../security/bytes.ts";
import { capabilityText } from "../security/capability/capability-text.ts";
import { attenuate, type Chain, chainBytes, chainOf, checkSignatures } from "../security/capability/chain.ts";
import type { Constraint } from "../security/capability/constraint.ts";
import { CONSTRAINT_FORMS, parseConstraint } from "../security/capability/constraint-text.ts";
import { narrowPermissions } from "../security/capability/narrow-permissions.ts";
import type { Permission } from "../security/capability/permission.ts";
import { kindForClient } from "../security/capability/reach.ts";
import {
  limitsIn,
  type ResourceLimits,
  readToken,
  signToken,
  type Token,
  type TokenClaims,
  type TokenKindName,
} from "../security/capability/token.ts";
import { formatTokenFile } from "../security/capability/token-file.ts";
import { signingKeyOf } from "../security/identity/creds-file.ts";
import { isToken } from "../security/names.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import { createIds } from "../security/wire/capsule-id.ts";
import type { CapOptions } from "./cap.ts";
import { readTokenFile } from "./cap-file.ts";
import { demandOf, heldBy } from "./cap-holder.ts";
import { permissionNamed } from "./cap-permissions.ts";
import { chainToJson, describeLink, nameOfKeys } from "./cap-show.ts";
import { readCellKeys, readRevocationList } from "./cell-keys.ts";
import type { Context } from "./context.ts";
import { formatTime } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { writeNewFile } from "./identity-file.ts";
import type { KernelClient } from "./kernel-client.ts";
import { knownTrust } from "./known-trust.ts";
import { LIMIT_OPTIONS } from "./limit-options.ts";
import { ownIdentity } from "./own-identity.ts";
import { shellWord } from "./render/shell-word.ts";

const DEFAULT_TTL_MS = 3_600_000;
const DEFAULT_ONCE_MS = 60_000;
const DEFAULT_SCOPE = "default";

const nextId = createIds({ nowUnixMs: Date.now, randomBytes });

export async function mint(context: Context, options: CapOptions): Promise<ExitCode> {
  const { once, scope } = options;
  if (scope !== undefined && !isToken(scope))
    throw new CellError("CLI_USAGE", "a scope is a token of a-z, 0-9 and '-'", { where: scope.slice(0, 80) });
  const ttlMs = options.ttl ?? (once ? DEFAULT_ONCE_MS : DEFAULT_TTL_MS);
  const mintOne = options.offline === true ? mintOffline : askForOne;
  return await mintOne(context, options, ttlMs);
}

/** Of the cell's capability authority. */
async function askForOne(context: Context, options: CapOptions, ttlMs: number): Promise<ExitCode> {
  const { where = [], depth = 0, once = false, scope } = options;
  const { trust } = await knownTrust(context);
  const asks = permissionsAsked(options);
  const { actor, holder: key } = heldBy(options, trust, () => kindOfRoot(asks));
  const holder = actor ?? toHex(key);
  // What is no condition is told here, by its place on the command line.
  constraintsOf(where);
  const permissions = asks.map((each) => ({ ...each, where }));
  const demand = demandOf(options, trust);
  const approval = demand && { needed: demand.needed, approvers: demand.approvers.map(toHex) };
  const asked = { holder, permissions, ttlMs, depth, scope, once, approval, ...limitsOf(options) };
  const chain = await askAuthority(context, asked);
  return await hand(context, chain, trust, options);
}

export type AskedToken = Omit<Parameters<KernelClient["mintCapability"]>[0], "permissions"> & {
  readonly permissions: readonly AskedPermission[];
};
export type AskedPermission = {
  readonly intents: readonly string[];
  readonly targets: readonly string[];
  /** Conditions as text. */
  readonly where: readonly string[];
};

/** A root of the cell's capability authority. Throws what that refuses. */
export async function askAuthority(context: Context, request: AskedToken): Promise<Chain> {
  const kernel = await context.kernel();
  const permissions = request.permissions.map(({ intents, targets, where }) => ({
    ...{ intents: [...intents], targets: [...targets], where: [...where] },
  }));
  const token = readToken(await kernel.mintCapability({ ...request, permissions }));
  const chain = token.ok ? chainOf([token.value]) : token;
  if (!chain.ok) throw chain.error;
  return chain.value;
}

/** By the issuer's key of this directory. */
async function mintOffline(context: Context, options: CapOptions, ttlMs: number): Promise<ExitCode> {
  const { maker, trust } = await readCellKeys(context.dir);
  const { where = [], depth = 0, scope = DEFAULT_SCOPE } = options;
  const constraints = constraintsOf(where);
  const revocations = await readRevocationList(context.dir, maker.genesis);
  const now = Date.now();
  const permissions = permissionsAsked(options);
  const { kind, holder } = heldBy(options, trust, () => kindOfRoot(permissions));
  const claims: TokenClaims = {
    ...{ id: nextId(), kind, holder },
    parent: new Uint8Array(),
    permissions: permissions.map((each) => ({ ...each, constraints })),
    limits: limitsOf(options),
    notBeforeUnixMs: now,
    notAfterUnixMs: now + ttlMs,
    maxDepth: depth,
    scope,
    epoch: revocations.epochOf(scope),
    approval: demandOf(options, trust),
  };
  const signed = signToken(claims, maker.issuerKey, maker.genesis.hash);
  if (!signed.ok) throw usage(signed.error);
  const chain = chainOf([signed.value]);
  if (!chain.ok) throw chain.error;
  return await hand(context, chain.value, trust, options);
}

/** Throws CAPABILITY_KINDS_MIXED. */
export function kindOfRoot(permissions: readonly Pick<Permission, "targets">[]): TokenKindName {
  const kind = kindForClient(permissions);
  if (!kind.ok) throw kind.error;
  return kind.value;
}

export async function narrow(context: Context, file: string, options: CapOptions): Promise<ExitCode> {
  const chain = await readTokenFile(context, file);
  const identity = await ownIdentity(context);
  const known = await knownTrust(context);
  const unsound = checkSignatures(chain, identity.genesis.hash);
  if (unsound !== undefined) throw unsound;
  const parent = chain.last;
  const { actor, ...held } = heldBy(options, known.trust, () => parent.kind);
  const { depth = actor === undefined ? Math.max(0, parent.maxDepth - 1) : 0 } = options;
  if (parent.maxDepth === 0) {
    throw new CellError("CAPABILITY_WIDENED", "this token may not be handed on", { where: file });
  }
  const now = Date.now();
  const claims = {
    id: nextId(),
    ...held,
    permissions: narrowed(parent.permissions, options),
    limits: { ...parent.limits, ...limitsOf(options) },
    maxDepth: depth,
    scope: parent.scope,
    epoch: parent.epoch,
    approval: demandOf(options, known.trust),
    notBeforeUnixMs: Math.max(now, parent.notBeforeUnixMs),
    notAfterUnixMs: endOf(parent, options, now),
  };
  if (claims.notBeforeUnixMs >= claims.notAfterUnixMs)
    throw new CellError("CAPABILITY_EXPIRED", undefined, { where: file });
  const longer = attenuate(chain, claims, signingKeyOf(identity), identity.genesis.hash);
  if (!longer.ok) throw longer.error.code === "CAPABILITY_MALFORMED" ? usage(longer.error) : longer.error;
  return await hand(context, longer.value, known.trust, options);
}

/** Of the identity in force. */
export async function identityKey(
  context: Context,
): Promise<{ readonly principal: string; readonly hex: string }> {
  const { principal, certificate } = await ownIdentity(context);
  return { principal, hex: toHex(certificate.key) };
}

/** Of intents and targets, and of names. Throws CLI_USAGE. */
function permissionsAsked({
  intent,
  target,
  permission = [],
}: CapOptions): readonly Omit<AskedPermission, "where">[] {
  const unknown = permission.find((name) => !isPermissionName(name));
  if (unknown !== undefined) {
    const remedy = "`cell0 cap permissions` lists them.";
    const where = `--permission ${unknown.slice(0, 80)}`;
    throw new CellError("CLI_USAGE", "no permission has this name", { where, remedy });
  }
  if (target === undefined && (intent !== undefined || permission.length === 0))
    throw new CellError("CLI_USAGE", "give --target, or --permission alone");
  const own = target === undefined ? [] : [{ intents: intent ?? ["**"], targets: target }];
  return [...own, ...permission.filter(isPermissionName).map(permissionNamed)];
}

const limitsOf = (options: CapOptions): ResourceLimits => limitsIn((name) => options[LIMIT_OPTIONS[name]]);

/** As its parent, unless something is given. */
function endOf({ kind, notAfterUnixMs }: Token, { ttl, once }: CapOptions, nowUnixMs: number): number {
  if (ttl !== undefined) return nowUnixMs + ttl;
  const servesOnceNow = once && kind !== "ephemeral";
  return servesOnceNow ? Math.min(notAfterUnixMs, nowUnixMs + DEFAULT_ONCE_MS) : notAfterUnixMs;
}

async function hand(
  context: Context,
  chain: Chain,
  trust: TrustStore,
  { holder, out }: CapOptions,
): Promise<ExitCode> {
  const actor = holder.includes("/") ? holder : undefined;
  const name = isToken(holder) ? holder : (actor?.replaceAll("/", "-") ?? holder.slice(0, 16));
  const file = context.path(out ?? `${name}.cap`);
  await writeNewFile(file, formatTokenFile(chain));
  const { holder: key, notAfterUnixMs } = chain.last;
  const nameOf = nameOfKeys({ trust }, Date.now(), actor);
  const certificate = trust.byKey(key, Date.now());
  const isLonger = certificate.ok && certificate.value.notAfterUnixMs < notAfterUnixMs;
  context.print(
    [
      `Token ${describeLink(chain.last, chain.links.length - 1, nameOf)}.`,
      `Its file: ${file} (of no use to anybody but its holder)`,
      ...(isLonger
        ? [`Its holder itself counts only until ${formatTime(certificate.value.notAfterUnixMs)} UTC.`]
        : []),
      "",
      ...(actor === undefined
        ? [
            "Its holder uses it so:",
            `  cell0 --creds HOLDER.creds send TARGET INTENT '{}' --cap ${shellWord(file)}`,
          ]
        : [
            "The actor sends under it with this text, in a payload that its behaviour takes it from:",
            `  cell0 cap show ${shellWord(file)} --text`,
          ]),
    ].join("\n"),
  );
  context.printJson({ file, text: capabilityText(chainBytes(chain)), links: chainToJson(chain) });
  return exitCodes.ok;
}

/** Throws CLI_USAGE, CAPABILITY_WIDENED. */
function narrowed(
  parent: readonly Permission[],
  { intent, target, where = [] }: CapOptions,
): readonly Permission[] {
  const constraints = constraintsOf(where);
  const within = narrowPermissions(parent, { intents: intent, targets: target, constraints });
  if (within.length > 0) return within;
  throw new CellError(
    "CAPABILITY_WIDENED",
    "no single permission of its parent holds these intents and targets",
  );
}

export function constraintsOf(texts: readonly string[]): readonly Constraint[] {
  return texts.map((text) => {
    const constraint = parseConstraint(text);
    if (constraint !== undefined) return constraint;
    throw new CellError("CLI_USAGE", `a condition is one of: ${CONSTRAINT_FORMS}`, {
      where: text.slice(0, 80),
    });
  });
}

const usage = (cause: CellError) => new CellError("CLI_USAGE", cause.message, { cause });
