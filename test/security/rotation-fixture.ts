// Certificates whose key follows another, until UNTIL.
import type { SigningKey } from "../../src/security/keys/signing-key.ts";
import {
  type Certificate,
  type CertificateClaims,
  issueCertificate,
} from "../../src/security/trust/certificate.ts";
import { agree, endingClaims, successorClaims } from "../../src/security/trust/succession.ts";
import { genesis, keys, must, NOW } from "./cell-fixture.ts";

export const UNTIL = NOW + 600_000;
export const preserve = { issuedUnixMs: NOW, preserveUntilUnixMs: UNTIL };

export type How = {
  readonly preserveUntilUnixMs?: number;
  readonly claims?: Partial<CertificateClaims>;
  /** Default: the issuer, or genesis for an issuer. */
  readonly by?: SigningKey;
  readonly genesisHash?: Uint8Array;
};

export function follow(before: Certificate, oldKey: SigningKey, key: SigningKey, how: How = {}): Certificate {
  const { by = before.kind === "issuer" ? keys.genesis : keys.issuer, genesisHash = genesis.hash } = how;
  const until = how.preserveUntilUnixMs ?? UNTIL;
  const claims = {
    ...successorClaims(before, key.publicKey, { ...preserve, preserveUntilUnixMs: until }),
    ...how.claims,
  };
  return must(issueCertificate(claims, by, genesis.hash, agree(claims, oldKey, genesisHash)));
}
export const end = (newest: Certificate, by = keys.issuer, key?: Uint8Array): Certificate =>
  must(issueCertificate(endingClaims(newest, key), by, genesis.hash));
