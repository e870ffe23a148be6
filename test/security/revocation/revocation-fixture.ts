import { create, toBinary } from "@bufbuild/protobuf";
import { SignedRevocationsSchema } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { mapKey } from "../../../src/security/bytes.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import {
  type RevocationClaims,
  type Revocations,
  signRevocations,
} from "../../../src/security/revocation/revocations.ts";
import type { Revoked, RevokedToken, TokenTerms } from "../../../src/security/revocation/revoked.ts";
import type { Certificate } from "../../../src/security/trust/certificate.ts";
import { revocationsInput } from "../../../src/security/wire/signing-input.ts";
import { decodeStrict } from "../../../src/security/wire/strict-decode.ts";
import { genesis, issuerCertificate, keys, must, NOW, nodeCertificate } from "../cell-fixture.ts";

export const hashOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);

export const termsOf = (terms: Partial<TokenTerms> = {}): TokenTerms => ({
  scope: "shop",
  epoch: 0,
  notAfterUnixMs: NOW + 3_600_000,
  ...terms,
});

export const revokedOf = (
  tokens: readonly RevokedToken[],
  epochs: Readonly<Record<string, number>> = {},
): Revoked => ({
  epochs: new Map(Object.entries(epochs)),
  tokens: new Map(tokens.map((token) => [mapKey(token.hash), token])),
});

/** Tokens of which nothing but the hash is known. */
export const bare = (...numbers: readonly number[]): Revoked =>
  revokedOf(numbers.map((n) => ({ hash: hashOf(n) })));

export const revocationClaims = (given: Partial<RevocationClaims> = {}): RevocationClaims => ({
  issuedUnixMs: NOW,
  author: "operator",
  causeId: new Uint8Array(16),
  ...revokedOf([]),
  ...given,
});

export type Signing = {
  readonly key?: SigningKey;
  readonly certificate?: Certificate;
  readonly issuer?: Certificate;
};

export const sealingOf = ({
  key = keys.nodeA,
  certificate = nodeCertificate,
  issuer = issuerCertificate,
}: Signing = {}) => ({ key, genesis, certificates: [issuer.bytes, certificate.bytes] as const });

export const revocationsOf = (given: Partial<RevocationClaims> = {}, signing: Signing = {}): Revocations =>
  must(signRevocations(revocationClaims(given), sealingOf(signing)));

/** The same body under another key and certificate; its signature is that key's. */
export function forge({ bytes }: Revocations, key: SigningKey, certificate: Uint8Array): Uint8Array {
  const frame = must(decodeStrict(SignedRevocationsSchema, bytes, { "SignedRevocations.certificates": 2 }));
  const signature = key.sign(revocationsInput(genesis.hash, frame.body));
  const certificates = [issuerCertificate.bytes, certificate];
  const forged = { body: frame.body, signer: key.publicKey, signature, certificates };
  return toBinary(SignedRevocationsSchema, create(SignedRevocationsSchema, forged));
}
