// The certificate that puts another key in a principal's place: all else stays as it is. Who
// agrees to it by the key before gives that one a time to count on; who does not ends it at once.
import { sha256 } from "../bytes.ts";
import type { Signer } from "../keys/signing-key.ts";
import { continuityInput } from "../wire/signing-input.ts";
import { type Certificate, type CertificateClaims, certificateBody } from "./certificate.ts";

export type Preserve = { readonly issuedUnixMs: number; readonly preserveUntilUnixMs: number };

/** What the next certificate says when its key follows the one before. */
export function successorClaims(
  before: Certificate,
  key: Uint8Array,
  { issuedUnixMs, preserveUntilUnixMs }: Preserve,
): CertificateClaims {
  const previous = sha256(before.body);
  return {
    ...sameClaims(before),
    key,
    continuity: { previous, previousKey: before.key, issuedUnixMs, preserveUntilUnixMs },
  };
}

/** Signature of the key before over the next certificate: that its key follows. */
export const agree = (claims: CertificateClaims, before: Signer, genesisHash: Uint8Array): Uint8Array =>
  before.sign(continuityInput(genesisHash, certificateBody(claims)));

/** By which a principal keeps its newest certificate's key, or gets back another, and no other counts beside it. */
export const endingClaims = (newest: Certificate, key: Uint8Array = newest.key): CertificateClaims => ({
  ...sameClaims(newest),
  key,
});

/** Of the next generation, without continuity. The beginning stays: by it the map of shards is ordered. */
function sameClaims(before: Certificate): CertificateClaims {
  const { principal, kind, generation, notBeforeUnixMs, notAfterUnixMs, shards, grants, revoked, key } =
    before;
  const claims = { principal, kind, notBeforeUnixMs, notAfterUnixMs, shards, grants, revoked, key };
  return { ...claims, generation: generation + 1 };
}
