// One capability token as plain data, its bounds, and its bytes. The signed bytes are carried
// as they are; whether a token may follow another, and whether it counts now, is judged elsewhere.
import { create, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import {
  type ResourceLimits as LimitsMessage,
  SignedTokenSchema,
  type TokenBody,
  TokenBodySchema,
  TokenKind,
} from "../../gen/cell0/v1/capability_pb.ts";
import { copyOf, equalBytes, sha256 } from "../bytes.ts";
import { MAX_PATTERNS } from "../grants/grants.ts";
import { hasKeyForm } from "../keys/admit-key.ts";
import type { Signer } from "../keys/signing-key.ts";
import { SIGNATURE_BYTES } from "../keys/verify.ts";
import { isToken } from "../names.ts";
import { ID_BYTES } from "../wire/capsule.ts";
import { approvalInput, capabilityInput, HASH_BYTES } from "../wire/signing-input.ts";
import { decodeStrict } from "../wire/strict-decode.ts";
import {
  type Approval,
  type ApprovalDemand,
  approvalsFault,
  byBytes,
  demandFault,
  MAX_APPROVERS,
} from "./approval.ts";
import { MAX_VALUES } from "./constraint.ts";
import { type Permission, readPermission, toPermission } from "./permission.ts";
import { beyondKind } from "./reach.ts";

export const MAX_TOKEN_BYTES = 8 * 1024;
const APPROVAL_BYTES = 104;
const MAX_PERMISSIONS = 16;
/** What a date can be, ECMAScript's bound. */
const MAX_TIME_MS = 8_640_000_000_000_000;
/** Of one token in all, so that comparing two of them is bounded. */
const MAX_PATTERNS_IN_ALL = 64;
const MAX_CONSTRAINTS = 64;
const MAX_VALUES_IN_ALL = 256;
/** Of a token that serves once: it is remembered that it has, until then. */
export const MAX_EPHEMERAL_MS = 300_000;
/** Of a token with a limit: what was used is remembered until then. */
export const MAX_COUNTED_MS = 30 * 86_400_000;
/** Links of a chain, the root included. */
export const MAX_LINKS = 8;

export const tokenKinds = ["system", "agent", "user", "federation", "ephemeral"] as const;
export type TokenKindName = (typeof tokenKinds)[number];

/** What is used under a token in all, with whatever is narrowed from it. Absent: not limited by this token. */
export type ResourceLimits = {
  /** That the agents which are started under it may have. */
  readonly memoryBytes?: number;
  /** Likewise, in thousandths of a processor. */
  readonly cpuMilli?: number;
  /** Of capsules that the cell keeps. */
  readonly storageBytes?: number;
  /** Started under it at run time. */
  readonly agents?: number;
  /** Intents sent under it. */
  readonly calls?: number;
  /** Millionths of the cell's unit of cost. */
  readonly costMicro?: number;
};
export type LimitName = keyof ResourceLimits;
export const LIMIT_NAMES = [
  "memoryBytes",
  "cpuMilli",
  "storageBytes",
  "agents",
  "calls",
  "costMicro",
] as const satisfies readonly LimitName[];

/** @param of undefined: not limited */
export const limitsIn = (of: (name: LimitName) => number | undefined): ResourceLimits =>
  Object.fromEntries(
    LIMIT_NAMES.flatMap((name) => {
      const most = of(name);
      return most === undefined ? [] : [[name, most]];
    }),
  );

export type TokenClaims = {
  /** 16 bytes. */
  readonly id: Uint8Array;
  readonly kind: TokenKindName;
  /** A key; of kind `agent` what `actorHolder` makes. */
  readonly holder: Uint8Array;
  /** SHA-256 of the body of the link before; empty in a root. */
  readonly parent: Uint8Array;
  readonly permissions: readonly Permission[];
  readonly limits: ResourceLimits;
  readonly notBeforeUnixMs: number;
  /** From this millisecond on it is void. */
  readonly notAfterUnixMs: number;
  /** Links that may follow. */
  readonly maxDepth: number;
  readonly scope: string;
  readonly epoch: number;
  /** Who is to approve this token; undefined: nobody. Not handed on: each link has its own. */
  readonly approval?: ApprovalDemand | undefined;
};

export type Token = TokenClaims & {
  readonly issuer: Uint8Array;
  /** SignedToken as it travels. */
  readonly bytes: Uint8Array;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  /** Whose signatures are not verified by reading it. */
  readonly approvals: readonly Approval[];
  /** SHA-256 of the body: its name, by which it is revoked, and its child's `parent`. */
  readonly hash: Uint8Array;
};

const NUMBERS: Readonly<Record<TokenKindName, TokenKind>> = {
  system: TokenKind.SYSTEM,
  agent: TokenKind.AGENT,
  user: TokenKind.USER,
  federation: TokenKind.FEDERATION,
  ephemeral: TokenKind.EPHEMERAL,
};
const NAMES: ReadonlyMap<number, TokenKindName> = new Map(tokenKinds.map((name) => [NUMBERS[name], name]));
const BOUNDS = {
  "TokenBody.permissions": MAX_PERMISSIONS,
  "Permission.intents": MAX_PATTERNS,
  "Permission.targets": MAX_PATTERNS,
  "Permission.constraints": MAX_CONSTRAINTS,
  "Values.values": MAX_VALUES,
  "ApprovalDemand.approvers": MAX_APPROVERS,
  "SignedToken.approvals": MAX_APPROVERS,
};

/** Signs claims. Refuses what readToken would, with CAPABILITY_MALFORMED. */
export function signToken(
  claims: TokenClaims,
  signer: Signer,
  genesisHash: Uint8Array,
): Result<Token, CellError> {
  const { kind, permissions, limits, notBeforeUnixMs, notAfterUnixMs, maxDepth, epoch } = claims;
  const numbers = [
    notBeforeUnixMs,
    notAfterUnixMs,
    maxDepth,
    epoch,
    ...LIMIT_NAMES.map((name) => limits[name] ?? 0),
  ];
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) {
    return invalid("a number is no whole number from 0 to 2^53 - 1");
  }
  const lengths = permissions.flatMap(({ constraints }) =>
    constraints.map(({ rule }) => (rule.kind === "maxLength" ? rule.length : 0)),
  );
  if (
    ![maxDepth, ...lengths].every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32)
  ) {
    return invalid("its depth, or a length, is no whole number below 2^32");
  }
  const body = toBinary(
    TokenBodySchema,
    create(TokenBodySchema, {
      id: claims.id,
      kind: NUMBERS[kind],
      issuer: signer.publicKey,
      holder: claims.holder,
      parent: claims.parent,
      permissions: permissions.map(toPermission),
      limits: Object.fromEntries(
        LIMIT_NAMES.flatMap((name) => (limits[name] === undefined ? [] : [[name, BigInt(limits[name])]])),
      ),
      notBeforeUnixMs: BigInt(notBeforeUnixMs),
      notAfterUnixMs: BigInt(notAfterUnixMs),
      maxDepth,
      scope: claims.scope,
      epoch: BigInt(epoch),
      ...(claims.approval === undefined ? {} : { approval: toDemand(claims.approval) }),
    }),
  );
  const signature = signer.sign(capabilityInput(genesisHash, signer.publicKey, body));
  const roomFor = (claims.approval?.approvers.length ?? 0) * APPROVAL_BYTES;
  if (body.length + roomFor > MAX_TOKEN_BYTES) return invalid("with its approvals it would be too large");
  return readToken(toBinary(SignedTokenSchema, create(SignedTokenSchema, { body, signature })));
}

/**
 * Adds an approval, or gives the token as it is when it has that. Errors: CAPABILITY_APPROVER_UNASKED;
 * CAPABILITY_MALFORMED when it grows too large.
 */
export function approveToken(token: Token, key: Signer, genesisHash: Uint8Array): Result<Token, CellError> {
  const { publicKey: approver } = key;
  const isAsked = token.approval?.approvers.some((each) => equalBytes(each, approver)) === true;
  if (!isAsked) return err(new CellError("CAPABILITY_APPROVER_UNASKED"));
  if (token.approvals.some((each) => equalBytes(each.approver, approver))) return ok(token);
  const signature = key.sign(approvalInput(genesisHash, approver, token.hash));
  const approvals = [...token.approvals, { approver, signature }].sort((a, b) =>
    byBytes(a.approver, b.approver),
  );
  const { body, signature: own } = token;
  return readToken(
    toBinary(SignedTokenSchema, create(SignedTokenSchema, { body, signature: own, approvals })),
  );
}

const toDemand = ({ needed, approvers }: ApprovalDemand) => ({
  needed,
  approvers: [...approvers].sort(byBytes),
});

/** The form only: neither signature nor time is judged. CAPABILITY_MALFORMED names the first fault; never throws. */
export function readToken(source: Uint8Array): Result<Token, CellError> {
  if (source.length > MAX_TOKEN_BYTES) return invalid(`a link has more than ${MAX_TOKEN_BYTES} bytes`);
  const bytes = copyOf(source);
  const signed = decodeStrict(SignedTokenSchema, bytes, BOUNDS);
  if (!signed.ok) return invalid(signed.error.message);
  const { body, signature } = signed.value;
  if (signature.length !== SIGNATURE_BYTES) return invalid("`signature` must be 64 bytes");
  const approvals = signed.value.approvals.map((each) => ({
    approver: each.approver,
    signature: each.signature,
  }));
  const decoded = decodeStrict(TokenBodySchema, body, BOUNDS);
  if (!decoded.ok) return invalid(decoded.error.message);
  const claims = readClaims(decoded.value);
  if (typeof claims === "string") return invalid(claims);
  const fault = approvalsFault(approvals, claims.approval);
  if (fault !== undefined) return invalid(fault);
  if (!equalBytes(toBinary(SignedTokenSchema, signed.value), bytes))
    return invalid("it is not in its only form");
  return ok({ ...claims, bytes, body, signature, approvals, hash: sha256(body) });
}

/** A text: what is wrong. */
function readClaims(body: TokenBody): (TokenClaims & Pick<Token, "issuer">) | string {
  const kind = NAMES.get(body.kind);
  if (kind === undefined) return "its kind is unknown";
  if (body.id.length !== ID_BYTES) return "`id` must be 16 bytes";
  const { issuer, holder } = body;
  const isHolder = kind === "agent" ? holder.length === HASH_BYTES : hasKeyForm(holder);
  if (!hasKeyForm(issuer) || !isHolder) return "`issuer` or `holder` is not an acceptable key";
  if (body.parent.length !== 0 && body.parent.length !== HASH_BYTES)
    return "`parent` must be 32 bytes, or empty";
  if (!isToken(body.scope)) return "`scope` is not a token of [a-z0-9-]";
  if (body.maxDepth >= MAX_LINKS) return `\`max_depth\` must be below ${MAX_LINKS}`;
  if (kind === "agent" && body.maxDepth > 0) return "it is an actor's, which hands nothing on";
  const [notBeforeUnixMs, notAfterUnixMs, epoch] = [
    Number(body.notBeforeUnixMs),
    Number(body.notAfterUnixMs),
    Number(body.epoch),
  ];
  if (![notBeforeUnixMs, notAfterUnixMs, epoch].every(Number.isSafeInteger))
    return "a number is beyond 2^53 - 1";
  if (notAfterUnixMs > MAX_TIME_MS) return "it ends beyond the year 275760";
  if (notBeforeUnixMs >= notAfterUnixMs) return "its validity ends before it begins";
  if (kind === "ephemeral" && notAfterUnixMs - notBeforeUnixMs > MAX_EPHEMERAL_MS)
    return `it serves once, and would be valid for more than ${MAX_EPHEMERAL_MS / 60_000} minutes`;
  const limits = readLimits(body.limits);
  if (limits === undefined) return "a limit is beyond 2^53 - 1";
  const isCounted = Object.keys(limits).length > 0;
  if (isCounted && notAfterUnixMs - notBeforeUnixMs > MAX_COUNTED_MS)
    return `what it uses is counted, and it would be valid for more than ${MAX_COUNTED_MS / 86_400_000} days`;
  const approval = body.approval && { needed: body.approval.needed, approvers: body.approval.approvers };
  const amiss = approval && demandFault(approval);
  if (amiss !== undefined) return amiss;
  if (body.permissions.length === 0) return "it permits nothing";
  const permissions: Permission[] = [];
  for (const each of body.permissions) {
    const permission = readPermission(each);
    if (typeof permission === "string") return permission;
    permissions.push(permission);
  }
  const beyond = beyondKind(kind, permissions);
  if (beyond !== undefined) return beyond;
  const patterns = permissions.reduce((sum, each) => sum + each.intents.length + each.targets.length, 0);
  const rules = permissions.flatMap(({ constraints }) => constraints.map(({ rule }) => rule));
  const values = rules.reduce((sum, rule) => sum + ("values" in rule ? rule.values.length : 1), 0);
  if (patterns > MAX_PATTERNS_IN_ALL) return `it has more than ${MAX_PATTERNS_IN_ALL} patterns in all`;
  if (rules.length > MAX_CONSTRAINTS) return `it has more than ${MAX_CONSTRAINTS} constraints in all`;
  if (values > MAX_VALUES_IN_ALL) return `its constraints have more than ${MAX_VALUES_IN_ALL} values in all`;
  return {
    id: body.id,
    kind,
    issuer,
    holder,
    parent: body.parent,
    permissions,
    limits,
    notBeforeUnixMs,
    notAfterUnixMs,
    maxDepth: body.maxDepth,
    scope: body.scope,
    epoch,
    ...(approval === undefined ? {} : { approval }),
  };
}

function readLimits(message: LimitsMessage | undefined): ResourceLimits | undefined {
  const isUnsafe = LIMIT_NAMES.some((name) => (message?.[name] ?? 0n) > BigInt(Number.MAX_SAFE_INTEGER));
  if (isUnsafe) return undefined;
  return limitsIn((name) => {
    const most = message?.[name];
    return most === undefined ? undefined : Number(most);
  });
}

const invalid = (why: string) =>
  err(new CellError("CAPABILITY_MALFORMED", `the capability token is not valid: ${why}`));
