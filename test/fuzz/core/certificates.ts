// Certificates, right, changed and signed anew, in any order, of the same principals and keys again
// and again; and who counts once they are added, shown by what they sign.
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { SignedCertificateSchema } from "../../../src/gen/cell0/v1/trust_pb.ts";
import { copyOf } from "../../../src/security/bytes.ts";
import { chainBytes } from "../../../src/security/capability/chain.ts";
import { issueCertificate, MAX_CERTIFICATE_BYTES } from "../../../src/security/trust/certificate.ts";
import { certificateInput, continuityInput } from "../../../src/security/wire/signing-input.ts";
import { rootChain } from "../../security/capability/token-fixture.ts";
import {
  bytesOf,
  claimsOf,
  genesis,
  issuerCertificate,
  keys,
  must,
  NOW,
} from "../../security/cell-fixture.ts";
import { mutants } from "../mutants.ts";
import { certificates } from "../samples.ts";
import { signerOf } from "./chain-keys.ts";
import { coreTarget } from "./core-law.ts";
import { courtOf, type Subject } from "./court.ts";

const KEYS = [keys.issuer, keys.nodeA, keys.ann, keys.bob, keys.genesis];
const key = fc.constantFrom(...KEYS);

const issued = fc
  .record({
    key,
    principal: fc.constantFrom("issuer", "a", "ann", "bob"),
    kind: fc.constantFrom("issuer" as const, "node" as const, "client" as const),
    generation: fc.integer({ min: 1, max: 3 }),
    begins: fc.constantFrom(-1_000, -1_000, -1_000, 0, 1),
    ends: fc.constantFrom(1_000, 1_000, 1_000, 1, 0),
    revoked: fc.nat(9),
    firstShard: fc.nat(1),
    signer: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: key }),
  })
  .map(({ signer, begins, ends, revoked, firstShard, ...given }) => {
    const claims = claimsOf({
      ...given,
      key: given.key.publicKey,
      ...{ notBeforeUnixMs: NOW + begins, notAfterUnixMs: NOW + ends + (begins >= ends ? 10 : 0) },
      shards: given.kind === "node" ? [{ first: firstShard, last: 255 }] : [],
      revoked: revoked === 0,
    });
    const proper = given.kind === "issuer" ? keys.genesis : keys.issuer;
    return must(issueCertificate(claims, signer ?? proper, genesis.hash)).bytes;
  });

const changed = mutants(
  certificates.map(({ bytes }) => bytes),
  MAX_CERTIFICATE_BYTES,
).map(({ bytes }) => bytes);

/** Under the keys that signed the original. */
const changedBody = mutants(
  certificates.map(({ body }) => body),
  MAX_CERTIFICATE_BYTES,
).map(({ bytes, of }) => {
  const original = certificates[of] ?? issuerCertificate;
  const by = signerOf(original.signer);
  const signature = copyOf(by.sign(certificateInput(genesis.hash, bytes)));
  const { continuity } = original;
  const agreed = continuity && signerOf(continuity.previousKey).sign(continuityInput(genesis.hash, bytes));
  const signed = create(SignedCertificateSchema, {
    ...{ body: bytes, signer: by.publicKey, signature },
    continuitySignature: copyOf(agreed ?? new Uint8Array()),
  });
  return toBinary(SignedCertificateSchema, signed);
});

const certificate = fc.oneof(
  { weight: 4, arbitrary: issued },
  { weight: 2, arbitrary: changed },
  { weight: 2, arbitrary: changedBody },
  { weight: 1, arbitrary: fc.constantFrom(...certificates.map(({ bytes }) => bytes)) },
);

/** What each may send, and whether it may sign roots. */
const subjects: readonly Subject[] = KEYS.flatMap((each): readonly Subject[] => [
  { kind: "capsule", bytes: bytesOf({ id: new Uint8Array(16).fill(1) }), issuer: each.publicKey },
  { kind: "chain", bytes: chainBytes(rootChain({}, each)), holder: keys.ann.publicKey },
]);

export const coreCertificates = coreTarget({
  name: "core-certificate",
  inputs: fc.record({
    before: fc.nat(3),
    added: fc.array(certificate, { minLength: 1, maxLength: 10, size: "max" }),
  }),
  caseOf: ({ before, added }) => ({
    court: courtOf({
      certificates: before === 0 ? added : [issuerCertificate.bytes, ...added],
    }),
    subjects,
  }),
  mustSee: [
    ...["certified", "ok", "ok by a token", "AUTHORITY_CERTIFICATE_INVALID", "AUTHORITY_CERTIFICATE_FORGED"],
    ...["AUTHORITY_CHAIN_BROKEN", "AUTHORITY_KIND_FORBIDDEN", "AUTHORITY_PRINCIPAL_TAKEN"],
    ...["AUTHORITY_GENERATION_SUPERSEDED", "AUTHORITY_GENERATION_CONFLICT", "AUTHORITY_REVOKED"],
    ...["AUTHORITY_CERTIFICATE_EXPIRED", "AUTHORITY_CERTIFICATE_NOT_YET_VALID", "AUTHORITY_ISSUER_UNKNOWN"],
    "CAPABILITY_AUTHORITY_UNKNOWN",
  ],
  testRuns: 250,
  seesCertificates: true,
});
