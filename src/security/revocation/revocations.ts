// What is revoked in a cell, as one record: epochs of scopes and single tokens. It only
// ever grows, but for what has ended by itself; whoever follows it checks that.
import { create, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import {
  type RevocationsBody,
  RevocationsBodySchema,
  SignedRevocationsSchema,
} from "../../gen/cell0/v1/capability_pb.ts";
import { copyOf, mapKey, sha256 } from "../bytes.ts";
import type { SigningKey } from "../keys/signing-key.ts";
import { isToken } from "../names.ts";
import type { Genesis } from "../trust/genesis.ts";
import { ID_BYTES } from "../wire/capsule.ts";
import { openSigned } from "../wire/open-signed.ts";
import { HASH_BYTES, revocationsInput } from "../wire/signing-input.ts";
import { decodeStrict } from "../wire/strict-decode.ts";

export const MAX_SCOPES = 256;
export const MAX_REVOKED_TOKENS = 4_096;
export const MAX_REVOCATIONS_BYTES = 640 * 1024;
/** An ended token stays listed so long: clocks differ, and its end is judged by each node's own. */
const KEPT_AFTER_END_MS = 3_600_000;
const BOUNDS = { "RevocationsBody.scopes": MAX_SCOPES, "RevocationsBody.tokens": MAX_REVOKED_TOKENS };

export type RevokedToken = {
  /** SHA-256 of the token's body. */
  readonly hash: Uint8Array;
  /** Undefined: not known, so that the entry outlives every raised epoch. */
  readonly scope?: string;
  /** When the token ends by itself; undefined: not known, so that the entry stays. */
  readonly untilUnixMs?: number;
};

export type RevocationClaims = {
  /** From 1; rises with each record. */
  readonly generation: number;
  readonly issuedUnixMs: number;
  /** Principal that asked for it. */
  readonly author: string;
  /** Capsule that asked for it; empty when none did. */
  readonly causeId: Uint8Array;
  /** Epochs of 1 and more, by scope. */
  readonly epochs: ReadonlyMap<string, number>;
  /** By the hash, as `mapKey` makes a key of it. */
  readonly tokens: ReadonlyMap<string, RevokedToken>;
};

export type Revocations = RevocationClaims & {
  /** SignedRevocations as it travels. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the body: what a head names. */
  readonly bodyHash: Uint8Array;
  readonly signer: Uint8Array;
};

/** Signs claims. Refuses what readRevocations would, with CAPABILITY_REVOCATIONS_INVALID. */
export function signRevocations(
  claims: RevocationClaims,
  key: SigningKey,
  genesis: Genesis,
): Result<Revocations, CellError> {
  const { generation, issuedUnixMs, author, causeId, epochs, tokens } = claims;
  const numbers = [
    generation,
    issuedUnixMs,
    ...epochs.values(),
    ...[...tokens.values()].map(({ untilUnixMs = 0 }) => untilUnixMs),
  ];
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
    return invalid("a number is no whole number from 0 to 2^53 - 1");
  const body = toBinary(
    RevocationsBodySchema,
    create(RevocationsBodySchema, {
      generation: BigInt(generation),
      issuedUnixMs: BigInt(issuedUnixMs),
      author,
      causeId,
      scopes: [...epochs].sort(byKey).map(([scope, epoch]) => ({ scope, epoch: BigInt(epoch) })),
      tokens: [...tokens].sort(byKey).map(([, { hash, scope = "", untilUnixMs = 0 }]) => ({
        hash,
        scope,
        untilUnixMs: BigInt(untilUnixMs),
      })),
    }),
  );
  const signature = key.sign(revocationsInput(genesis.hash, body));
  const signed = create(SignedRevocationsSchema, { body, signer: key.publicKey, signature });
  return readRevocations(toBinary(SignedRevocationsSchema, signed), genesis);
}

/**
 * Form and signature; whether its signer may say so is the caller's to judge. CAPABILITY_REVOCATIONS_INVALID;
 * never throws.
 */
export function readRevocations(source: Uint8Array, genesis: Genesis): Result<Revocations, CellError> {
  if (source.length > MAX_REVOCATIONS_BYTES) return invalid("it is too large");
  const bytes = copyOf(source);
  const signed = openSigned(decodeStrict(SignedRevocationsSchema, bytes, {}), (body) =>
    revocationsInput(genesis.hash, body),
  );
  if (!signed.ok) return invalid(signed.error);
  const { body, signer } = signed.value;
  const decoded = decodeStrict(RevocationsBodySchema, body, BOUNDS);
  if (!decoded.ok) return invalid(decoded.error.message);
  const claims = readClaims(decoded.value);
  if (typeof claims === "string") return invalid(claims);
  return ok({ ...claims, bytes, bodyHash: sha256(body), signer });
}

/** What of the record before is missing in the next one, though it has not ended; undefined: nothing. */
export function forgotten(next: RevocationClaims, before: RevocationClaims): string | undefined {
  for (const [scope, epoch] of before.epochs) {
    if ((next.epochs.get(scope) ?? 0) < epoch) return `the epoch of ${scope}`;
  }
  for (const [name, token] of before.tokens) {
    const { scope, untilUnixMs } = token;
    const hasEnded = untilUnixMs !== undefined && untilUnixMs <= next.issuedUnixMs;
    const isRaised = scope !== undefined && (next.epochs.get(scope) ?? 0) > (before.epochs.get(scope) ?? 0);
    if (!hasEnded && !isRaised && !next.tokens.has(name)) return "a revoked token";
  }
  return undefined;
}

/** What is revoked, to be changed: what ended is left out. */
export type Revoked = Pick<RevocationClaims, "epochs" | "tokens">;

export const nothingRevoked: Revoked = { epochs: new Map(), tokens: new Map() };

export function withoutEnded({ epochs, tokens }: Revoked, nowUnixMs: number): Revoked {
  const live = [...tokens].filter(
    ([, { untilUnixMs }]) => untilUnixMs === undefined || untilUnixMs + KEPT_AFTER_END_MS > nowUnixMs,
  );
  return { epochs, tokens: new Map(live) };
}

/** CAPABILITY_REVOCATIONS_FULL. */
export function withToken(revoked: Revoked, token: RevokedToken): Result<Revoked, CellError> {
  const tokens = new Map(revoked.tokens).set(mapKey(token.hash), token);
  if (tokens.size <= MAX_REVOKED_TOKENS) return ok({ ...revoked, tokens });
  return full(`${MAX_REVOKED_TOKENS} tokens are revoked already`);
}

/** Voids every token of a scope that there is, and forgets those of it that were revoked one by one. CAPABILITY_REVOCATIONS_FULL. */
export function withRaisedEpoch(revoked: Revoked, scope: string): Result<Revoked, CellError> {
  const epochs = new Map(revoked.epochs).set(scope, (revoked.epochs.get(scope) ?? 0) + 1);
  if (epochs.size > MAX_SCOPES) return full(`${MAX_SCOPES} scopes have an epoch already`);
  const tokens = new Map([...revoked.tokens].filter(([, token]) => token.scope !== scope));
  return ok({ epochs, tokens });
}

/** A text: what is wrong. */
function readClaims(message: RevocationsBody): RevocationClaims | string {
  const { author, causeId } = message;
  const [generation, issuedUnixMs] = [Number(message.generation), Number(message.issuedUnixMs)];
  const epochs = new Map(message.scopes.map(({ scope, epoch }) => [scope, Number(epoch)]));
  const tokens = new Map(
    message.tokens.map(({ hash, scope, untilUnixMs }) => [
      mapKey(hash),
      {
        hash: copyOf(hash),
        ...(scope === "" ? {} : { scope }),
        ...(untilUnixMs === 0n ? {} : { untilUnixMs: Number(untilUnixMs) }),
      },
    ]),
  );
  const numbers = [
    generation,
    issuedUnixMs,
    ...epochs.values(),
    ...[...tokens.values()].map(({ untilUnixMs = 0 }) => untilUnixMs),
  ];
  if (!numbers.every(Number.isSafeInteger)) return "a number is beyond 2^53 - 1";
  if (generation < 1) return "its generation must be 1 or more";
  if (!isToken(author)) return "its author is not a token of [a-z0-9-]";
  if (causeId.length !== 0 && causeId.length !== ID_BYTES) return "its cause has the wrong length";
  if (![...epochs].every(([scope, epoch]) => isToken(scope) && epoch >= 1))
    return "a scope's name or epoch is none";
  const all = [...tokens.values()];
  if (!all.every(({ hash, scope }) => hash.length === HASH_BYTES && (scope === undefined || isToken(scope))))
    return "a hash or scope of a token is none";
  if (
    !isAscending(message.scopes.map(({ scope }) => scope)) ||
    !isAscending(message.tokens.map(({ hash }) => mapKey(hash)))
  )
    return "its entries are not in their order, each once";
  return { generation, issuedUnixMs, author, causeId: copyOf(causeId), epochs, tokens };
}

const isAscending = (names: readonly string[]): boolean =>
  names.every((name, at) => at === 0 || (names[at - 1] ?? "") < name);
const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

const invalid = (why: string) =>
  err(new CellError("CAPABILITY_REVOCATIONS_INVALID", `the record of revocations is not valid: ${why}`));
const full = (what: string) => err(new CellError("CAPABILITY_REVOCATIONS_FULL", what));
