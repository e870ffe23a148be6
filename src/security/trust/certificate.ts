// Certificates: who a key belongs to, and what it may do. Read strictly here;
// whether one counts in a cell is the trust store's judgement.
import { create, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import {
  type CertificateBody,
  CertificateBodySchema,
  PrincipalKind,
  SignedCertificateSchema,
} from "../../gen/cell0/v1/trust_pb.ts";
import { copyOf } from "../bytes.ts";
import { checkGrants, type Grant, MAX_GRANTS, MAX_PATTERNS } from "../grants/grants.ts";
import { admitKey } from "../keys/admit-key.ts";
import type { Signer } from "../keys/signing-key.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, verifyByRule } from "../keys/verify.ts";
import { isToken } from "../names.ts";
import { certificateInput, continuityInput } from "../wire/signing-input.ts";
import { decodeStrict } from "../wire/strict-decode.ts";
import { type Continuity, readContinuity } from "./continuity.ts";
import { SHARDS } from "./genesis.ts";

export const MAX_CERTIFICATE_BYTES = 12 * 1024;
const MAX_SHARD_RANGES = 256;

export type PrincipalKindName = "issuer" | "node" | "client";
/** Both included. */
export type ShardRange = { readonly first: number; readonly last: number };

export type CertificateClaims = {
  readonly key: Uint8Array;
  readonly principal: string;
  readonly kind: PrincipalKindName;
  /** From 1; the highest of a principal counts. */
  readonly generation: number;
  readonly notBeforeUnixMs: number;
  /** From this millisecond on it is void. */
  readonly notAfterUnixMs: number;
  /** Of a node only. */
  readonly shards: readonly ShardRange[];
  /** Of a client only. */
  readonly grants: readonly Grant[];
  /** Withdraws the principal, whatever the validity says. */
  readonly revoked: boolean;
  /** Which key this one follows, with that one's consent. */
  readonly continuity?: Continuity;
};

export type Certificate = CertificateClaims & {
  /** SignedCertificate as it travels. */
  readonly bytes: Uint8Array;
  readonly body: Uint8Array;
  readonly signer: Uint8Array;
  readonly signature: Uint8Array;
  /** By the key before; there when there is continuity, and only then. */
  readonly continuitySignature?: Uint8Array;
};

const NUMBERS = { issuer: PrincipalKind.ISSUER, node: PrincipalKind.NODE, client: PrincipalKind.CLIENT };
const NAMES: ReadonlyMap<number, PrincipalKindName> = new Map([
  [PrincipalKind.ISSUER, "issuer"],
  [PrincipalKind.NODE, "node"],
  [PrincipalKind.CLIENT, "client"],
]);
const BOUNDS = {
  "CertificateBody.shards": MAX_SHARD_RANGES,
  "CertificateBody.grants": MAX_GRANTS,
  "Grant.intents": MAX_PATTERNS,
  "Grant.targets": MAX_PATTERNS,
};

/** The bytes that are signed, also by the key that a key follows. */
export function certificateBody(claims: CertificateClaims): Uint8Array {
  const { continuity } = claims;
  return toBinary(
    CertificateBodySchema,
    create(CertificateBodySchema, {
      key: claims.key,
      principal: claims.principal,
      kind: NUMBERS[claims.kind],
      generation: BigInt(Math.trunc(claims.generation)),
      notBeforeUnixMs: BigInt(Math.trunc(claims.notBeforeUnixMs)),
      notAfterUnixMs: BigInt(Math.trunc(claims.notAfterUnixMs)),
      shards: claims.shards.map(({ first, last }) => ({ first, last })),
      grants: claims.grants.map(({ intents, targets }) => ({ intents: [...intents], targets: [...targets] })),
      revoked: claims.revoked,
      ...(continuity && {
        continuity: {
          previous: continuity.previous,
          previousKey: continuity.previousKey,
          issuedUnixMs: BigInt(Math.trunc(continuity.issuedUnixMs)),
          preserveUntilUnixMs: BigInt(Math.trunc(continuity.preserveUntilUnixMs)),
        },
      }),
    }),
  );
}

/**
 * Signs claims with the genesis key (an issuer's) or an issuer's key (the rest). Refuses what readCertificate would.
 * @param continuitySignature by the key before, over `continuityInput` of `certificateBody`, when it agrees
 */
export function issueCertificate(
  claims: CertificateClaims,
  signer: Signer,
  genesisHash: Uint8Array,
  continuitySignature: Uint8Array = new Uint8Array(),
): Result<Certificate, CellError> {
  const body = certificateBody(claims);
  const signature = signer.sign(certificateInput(genesisHash, body));
  const signed = create(SignedCertificateSchema, {
    body,
    signer: signer.publicKey,
    signature,
    continuitySignature,
  });
  return readCertificate(toBinary(SignedCertificateSchema, signed));
}

/** The form only: the signature is not verified. Anything amiss is AUTHORITY_CERTIFICATE_INVALID. */
export function readCertificate(source: Uint8Array): Result<Certificate, CellError> {
  if (source.length > MAX_CERTIFICATE_BYTES) return invalid("it is too large");
  const bytes = copyOf(source);
  const signed = decodeStrict(SignedCertificateSchema, bytes, BOUNDS);
  if (!signed.ok) return invalid(signed.error.message);
  const { body, signer, signature, continuitySignature } = signed.value;
  if (signer.length !== PUBLIC_KEY_BYTES) return invalid("`signer` must be 32 bytes");
  if (signature.length !== SIGNATURE_BYTES) return invalid("`signature` must be 64 bytes");
  const claims = readCertificateBody(body);
  if (!claims.ok) return claims;
  const certificate = { ...claims.value, bytes, body, signer, signature };
  const hasContinuity = claims.value.continuity !== undefined;
  if (continuitySignature.length !== (hasContinuity ? SIGNATURE_BYTES : 0))
    return invalid("`continuity_signature` must be 64 bytes where there is continuity, and absent elsewhere");
  return ok(hasContinuity ? { ...certificate, continuitySignature } : certificate);
}

/** What a certificate says, whoever signs it. AUTHORITY_CERTIFICATE_INVALID. */
export function readCertificateBody(body: Uint8Array): Result<CertificateClaims, CellError> {
  if (body.length > MAX_CERTIFICATE_BYTES) return invalid("it is too large");
  const decoded = decodeStrict(CertificateBodySchema, body, BOUNDS);
  return decoded.ok ? readClaims(decoded.value) : invalid(decoded.error.message);
}

/** Of its signer, and of the key that it follows. */
export function hasValidSignature(certificate: Certificate, genesisHash: Uint8Array): boolean {
  const { body, signer, signature } = certificate;
  return (
    verifyByRule(signer, certificateInput(genesisHash, body), signature) &&
    hasValidContinuity(certificate, genesisHash)
  );
}

/** Whether the key that it follows has signed it; also when it follows none. */
export function hasValidContinuity(certificate: Certificate, genesisHash: Uint8Array): boolean {
  const { body, continuity, continuitySignature = new Uint8Array() } = certificate;
  if (continuity === undefined) return true;
  return verifyByRule(continuity.previousKey, continuityInput(genesisHash, body), continuitySignature);
}

/** Certificates in an order in which a trust store needs to keep none waiting: what waits is bounded, and more would be lost. */
export function issuersFirst(records: Iterable<Uint8Array>): readonly Uint8Array[] {
  const all = [...records];
  const isIssuer = (bytes: Uint8Array): boolean => {
    const read = readCertificate(bytes);
    return read.ok && read.value.kind === "issuer";
  };
  return [...all.filter(isIssuer), ...all.filter((bytes) => !isIssuer(bytes))];
}

function readClaims(body: CertificateBody): Result<CertificateClaims, CellError> {
  const kind = NAMES.get(body.kind);
  if (kind === undefined) return invalid("its kind of principal is unknown");
  if (!isToken(body.principal)) return invalid("its principal is not a token of [a-z0-9-]");
  const key = admitKey(body.key);
  if (!key.ok) return invalid(key.error.message);
  const [generation, notBeforeUnixMs, notAfterUnixMs] = [
    Number(body.generation),
    Number(body.notBeforeUnixMs),
    Number(body.notAfterUnixMs),
  ];
  if (!Number.isSafeInteger(generation) || generation < 1) return invalid("its generation must be 1 or more");
  if (!Number.isSafeInteger(notAfterUnixMs) || notBeforeUnixMs >= notAfterUnixMs) {
    return invalid("its validity ends before it begins");
  }
  const shards = body.shards.map(({ first, last }) => ({ first, last }));
  if (kind !== "node" && shards.length > 0) return invalid("only a node owns shards");
  if (shards.some(({ first, last }) => first > last || last >= SHARDS)) {
    return invalid(`a range of shards lies within 0 to ${SHARDS - 1}`);
  }
  if (kind !== "client" && body.grants.length > 0) return invalid("only a client holds grants");
  const grants = checkGrants(body.grants.map(({ intents, targets }) => ({ intents, targets })));
  if (!grants.ok) return invalid(grants.error.message);
  const { principal, revoked } = body;
  const continuity = body.continuity && readContinuity(body.continuity, key.value);
  if (continuity?.ok === false) return invalid(continuity.error);
  if (continuity !== undefined && (revoked || generation < 2))
    return invalid("a withdrawal, or a first generation, follows no key");
  return ok({
    key: key.value,
    principal,
    kind,
    generation,
    notBeforeUnixMs,
    notAfterUnixMs,
    shards,
    grants: grants.value,
    revoked,
    ...(continuity === undefined ? {} : { continuity: continuity.value }),
  });
}

const invalid = (why: string) =>
  err(new CellError("AUTHORITY_CERTIFICATE_INVALID", `the certificate is not valid: ${why}`));
