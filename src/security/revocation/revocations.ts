// A record of what is revoked as it is kept and travels: signed by a node of the capability
// authority, with the certificates that made it one, so that whoever has the genesis can check it,
// also after that node's key was replaced.
import { create, toBinary } from "@bufbuild/protobuf";
import { isAscending } from "../../collections/ascending.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import {
  type RevocationsBody,
  RevocationsBodySchema,
  SignedRevocationsSchema,
} from "../../gen/cell0/v1/capability_pb.ts";
import { copyOf, equalBytes, mapKey, sha256 } from "../bytes.ts";
import type { Signer } from "../keys/signing-key.ts";
import { verifyEd25519 } from "../keys/verify.ts";
import { isToken } from "../names.ts";
import {
  type Certificate,
  hasValidSignature,
  MAX_CERTIFICATE_BYTES,
  readCertificate,
} from "../trust/certificate.ts";
import type { Genesis } from "../trust/genesis.ts";
import { ID_BYTES } from "../wire/capsule.ts";
import { openSigned } from "../wire/open-signed.ts";
import { HASH_BYTES, revocationsInput } from "../wire/signing-input.ts";
import { decodeStrict } from "../wire/strict-decode.ts";
import { bounded, MAX_REVOKED_TOKENS, MAX_SCOPES, type Revoked, type RevokedToken } from "./revoked.ts";

export const MAX_REVOCATIONS_BYTES = 704 * 1024;
/** How far an epoch may lie ahead: nobody can use them up. */
const MAX_EPOCH_AHEAD_MS = 365 * 86_400_000;
const BOUNDS = {
  "RevocationsBody.scopes": MAX_SCOPES,
  "RevocationsBody.tokens": MAX_REVOKED_TOKENS,
  "SignedRevocations.certificates": 2,
};
/** Chains of certificates that were found sound; few are ever seen. */
const MAX_KNOWN_CHAINS = 16;

export type RevocationClaims = Revoked & {
  readonly issuedUnixMs: number;
  /** Principal that asked for it. */
  readonly author: string;
  /** Capsule that asked for it; empty when none did. */
  readonly causeId: Uint8Array;
};

export type Revocations = RevocationClaims & {
  /** SignedRevocations as it travels. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the body: its name, and what a head names. */
  readonly hash: Uint8Array;
  readonly signer: Uint8Array;
};

export type RevocationSealing = {
  readonly key: Signer;
  readonly genesis: Genesis;
  /** An issuer's certificate, and by it the key's own. */
  readonly certificates: readonly [issuer: Uint8Array, node: Uint8Array];
};

/** Signs claims. Refuses what readRevocations would, with CAPABILITY_REVOCATIONS_INVALID. */
export function signRevocations(
  { issuedUnixMs, author, causeId, epochs, tokens }: RevocationClaims,
  { key, genesis, certificates }: RevocationSealing,
): Result<Revocations, CellError> {
  const terms = [...tokens.values()].flatMap((token) => token.terms ?? []);
  const numbers = [
    issuedUnixMs,
    ...epochs.values(),
    ...terms.flatMap(({ epoch, notAfterUnixMs }) => [epoch, notAfterUnixMs]),
  ];
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
    return invalid("a number is no whole number from 0 to 2^53 - 1");
  const body = toBinary(
    RevocationsBodySchema,
    create(RevocationsBodySchema, {
      issuedUnixMs: BigInt(issuedUnixMs),
      author,
      causeId,
      scopes: [...epochs].sort(byName).map(([scope, epoch]) => ({ scope, epoch: BigInt(epoch) })),
      tokens: [...tokens].sort(byName).map(([, token]) => ({
        hash: token.hash,
        scope: token.terms?.scope ?? "",
        epoch: BigInt(token.terms?.epoch ?? 0),
        notAfterUnixMs: BigInt(token.terms?.notAfterUnixMs ?? 0),
      })),
    }),
  );
  const signature = key.sign(revocationsInput(genesis.hash, body));
  const signed = create(SignedRevocationsSchema, {
    body,
    signer: key.publicKey,
    signature,
    certificates: [...certificates],
  });
  return readRevocations(toBinary(SignedRevocationsSchema, signed), genesis, issuedUnixMs);
}

/**
 * Form, signature, and that its signer was once certified for shard 0. CAPABILITY_REVOCATIONS_INVALID; never
 * throws.
 */
export function readRevocations(
  source: Uint8Array,
  genesis: Genesis,
  nowUnixMs: number,
): Result<Revocations, CellError> {
  if (source.length > MAX_REVOCATIONS_BYTES) return invalid("it is too large");
  const bytes = copyOf(source);
  const frame = decodeStrict(SignedRevocationsSchema, bytes, BOUNDS);
  if (!frame.ok) return invalid(frame.error.message);
  // First: what nobody of the authority signed costs no more than this.
  const stranger = whyNoAuthority(frame.value.certificates, frame.value.signer, genesis);
  if (stranger !== undefined) return invalid(stranger);
  const signed = openSigned(frame, (body) => revocationsInput(genesis.hash, body), verifyEd25519);
  if (!signed.ok) return invalid(signed.error);
  const { body, signer } = signed.value;
  const decoded = decodeStrict(RevocationsBodySchema, body, BOUNDS);
  if (!decoded.ok) return invalid(decoded.error.message);
  const claims = readClaims(decoded.value, nowUnixMs);
  if (typeof claims === "string") return invalid(claims);
  return ok({ ...claims, bytes, hash: sha256(body), signer: copyOf(signer) });
}

const knownChains = new Set<string>();

/** Genesis -> issuer -> node of shard 0, whether or not they still count. A text: what is missing. */
function whyNoAuthority(
  [issuerBytes, nodeBytes]: readonly Uint8Array[],
  signer: Uint8Array,
  genesis: Genesis,
): string | undefined {
  if (issuerBytes === undefined || nodeBytes === undefined) return "it has no certificates";
  if (issuerBytes.length + nodeBytes.length > 2 * MAX_CERTIFICATE_BYTES)
    return "its certificates are too large";
  const node = readCertificate(nodeBytes);
  if (!node.ok || node.value.kind !== "node" || !isOrWasKeyOf(node.value, signer))
    return "its certificate is not its signer's";
  if (node.value.revoked || !node.value.shards.some(({ first }) => first === 0))
    return `node \`${node.value.principal}\` was not certified for shard 0`;
  const name = mapKey(sha256(genesis.hash, issuerBytes, nodeBytes));
  if (knownChains.has(name)) return undefined;
  const issuer = readCertificate(issuerBytes);
  const isIssuer =
    issuer.ok &&
    issuer.value.kind === "issuer" &&
    equalBytes(issuer.value.signer, genesis.genesisKey) &&
    isOrWasKeyOf(issuer.value, node.value.signer);
  if (!isIssuer) return "its certificates do not chain to genesis";
  if (![issuer.value, node.value].every((each) => hasValidSignature(each, genesis.hash)))
    return "a signature of its certificates is not valid";
  if (knownChains.size >= MAX_KNOWN_CHAINS) knownChains.clear();
  knownChains.add(name);
  return undefined;
}

/** Its certificate's, or the one that this key follows: of either the certificate says whose it is. */
const isOrWasKeyOf = ({ key, continuity }: Certificate, signer: Uint8Array): boolean =>
  equalBytes(key, signer) || (continuity !== undefined && equalBytes(continuity.previousKey, signer));

/** A text: what is wrong. */
function readClaims(message: RevocationsBody, nowUnixMs: number): RevocationClaims | string {
  const { author, causeId } = message;
  const issuedUnixMs = Number(message.issuedUnixMs);
  const epochs = new Map(message.scopes.map(({ scope, epoch }) => [scope, Number(epoch)]));
  if (!Number.isSafeInteger(issuedUnixMs)) return "a number is beyond 2^53 - 1";
  if (!isToken(author)) return "its author is not a token of [a-z0-9-]";
  if (causeId.length !== 0 && causeId.length !== ID_BYTES) return "its cause has the wrong length";
  for (const [scope, epoch] of epochs) {
    if (!isToken(scope) || epoch < 1) return "a scope's name or epoch is none";
    if (epoch > nowUnixMs + MAX_EPOCH_AHEAD_MS) return `the epoch of ${scope} lies more than a year ahead`;
  }
  const tokens = new Map<string, RevokedToken>();
  for (const { hash, scope, epoch, notAfterUnixMs } of message.tokens) {
    if (hash.length !== HASH_BYTES) return "a token's hash has the wrong length";
    const isBare = scope === "" && epoch === 0n && notAfterUnixMs === 0n;
    const terms = { scope, epoch: Number(epoch), notAfterUnixMs: Number(notAfterUnixMs) };
    const areTerms = isToken(scope) && [terms.epoch, terms.notAfterUnixMs].every(Number.isSafeInteger);
    if (!isBare && !areTerms) return "a token's terms are none";
    tokens.set(mapKey(hash), isBare ? { hash: copyOf(hash) } : { hash: copyOf(hash), terms });
  }
  const names = [message.scopes.map(({ scope }) => scope), message.tokens.map(({ hash }) => mapKey(hash))];
  if (!names.every(isAscending)) return "its entries are not in their order, each once";
  const fits = bounded({ epochs, tokens });
  return fits.ok ? { issuedUnixMs, author, causeId: copyOf(causeId), epochs, tokens } : fits.error.message;
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

const invalid = (why: string) =>
  err(new CellError("CAPABILITY_REVOCATIONS_INVALID", `the record of revocations is not valid: ${why}`));
