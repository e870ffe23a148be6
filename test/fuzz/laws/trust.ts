// Certificates, revisions and what a node keeps count only as they were signed.
import fc from "fast-check";
import { toHex } from "../../../src/security/bytes.ts";
import { openDeadLetter } from "../../../src/security/records/dead-letter.ts";
import { openRecord } from "../../../src/security/records/sealed-record.ts";
import { MAX_REVOCATIONS_BYTES, readRevocations } from "../../../src/security/revocation/revocations.ts";
import { MAX_CERTIFICATE_BYTES } from "../../../src/security/trust/certificate.ts";
import { MAX_REVISION_BYTES, verifyRevision } from "../../../src/security/trust/revision.ts";
import { VerifiedRoots } from "../../../src/security/wire/verify-envelope.ts";
import { genesis, issuerCertificate, NOW, trustStore } from "../../security/cell-fixture.ts";
import {
  bare,
  hashOf,
  revocationsOf,
  revokedOf,
  termsOf,
} from "../../security/revocation/revocation-fixture.ts";
import { accepted, codeOf, demand } from "../demand.ts";
import { type Mutant, mutants, ofMutants } from "../mutants.ts";
import { certificates, records, revisions, sealedSamples } from "../samples.ts";
import { targetOf } from "../target.ts";
import { readFields } from "../wire-tree.ts";

const bodies: ReadonlySet<string> = new Set(certificates.map(({ body }) => toHex(body)));

export const certificate = targetOf<Mutant>({
  name: "certificate",
  inputs: mutants(
    certificates.map(({ bytes }) => bytes),
    MAX_CERTIFICATE_BYTES,
  ),
  check: ({ bytes }, saw) => {
    const trust = trustStore([issuerCertificate]);
    for (const { body } of accepted(trust.add(bytes, NOW), saw) ?? [])
      demand(bodies.has(toHex(body)), "nobody signed what counts");
  },
  ...ofMutants,
  mustSee: [
    "accepted",
    "AUTHORITY_CERTIFICATE_INVALID",
    "AUTHORITY_CERTIFICATE_FORGED",
    "AUTHORITY_CONTINUITY_INVALID",
  ],
  testRuns: 250,
});

const revocationSamples = [
  revocationsOf(bare(1, 2)),
  revocationsOf(revokedOf([{ hash: hashOf(3), terms: termsOf() }], { shop: 5, default: 7 })),
].map((made) => made.bytes);
const revocationBodies: ReadonlySet<string> = new Set(
  revocationSamples.map((bytes) => toHex(readFields(bytes)?.[0]?.value ?? new Uint8Array())),
);

export const revocations = targetOf<Mutant>({
  name: "revocations",
  inputs: mutants(revocationSamples, MAX_REVOCATIONS_BYTES),
  check: ({ bytes }, saw) => {
    if (accepted(readRevocations(bytes, genesis, NOW), saw) === undefined) return;
    const body = readFields(bytes)?.find(({ number }) => number === 1)?.value ?? new Uint8Array();
    demand(revocationBodies.has(toHex(body)), "nobody of the authority signed what counts");
  },
  ...ofMutants,
  mustSee: ["accepted", "CAPABILITY_REVOCATIONS_INVALID"],
  testRuns: 250,
});

const trust = trustStore();
const graphs: ReadonlySet<string> = new Set(
  revisions.map((bytes) => toHex(readFields(bytes)?.[0]?.value ?? new Uint8Array())),
);

export const revision = targetOf<Mutant>({
  name: "revision",
  inputs: mutants(revisions, MAX_REVISION_BYTES),
  check: ({ bytes }, saw) => {
    if (accepted(verifyRevision(bytes, trust, NOW), saw) === undefined) return;
    const body = readFields(bytes)?.find(({ number }) => number === 1)?.value ?? new Uint8Array();
    demand(graphs.has(toHex(body)), "nobody signed what counts");
  },
  ...ofMutants,
  mustSee: ["accepted", "AUTHORITY_REVISION_INVALID"],
  testRuns: 250,
});

const KINDS = ["journal", "commit", "deadletter"] as const;
const kept = new Map(KINDS.map((kind) => [kind, new Set(records[kind].map(toHex))]));
const roots = new VerifiedRoots(1);

export const record = targetOf<Mutant & { readonly kind: (typeof KINDS)[number] }>({
  name: "record",
  inputs: fc
    .tuple(mutants(sealedSamples, 1024 * 1024), fc.constantFrom(...KINDS))
    .map(([mutant, kind]) => ({ ...mutant, kind })),
  check: ({ bytes, kind }, saw) => {
    const first = openRecord(kind, bytes, genesis.hash);
    const opened = accepted(first, saw);
    if (opened !== undefined)
      demand(kept.get(kind)?.has(toHex(opened.bytes)) === true, "nobody signed what is opened");
    const again = openRecord(kind, bytes, genesis.hash, roots);
    const isSame = first.ok ? again.ok : !again.ok && codeOf(first.error) === codeOf(again.error);
    demand(isSame, "what was verified before changes a verdict");
    const letter = openDeadLetter(bytes, trust, { takenUnixMs: NOW, nowUnixMs: NOW });
    saw(letter.ok ? "letter" : codeOf(letter.error));
  },
  show: ({ kind, ...mutant }) => `${kind} ${ofMutants.show(mutant)}`,
  smaller: (input, fails) => ({
    ...input,
    ...ofMutants.smaller(input, (each) => fails({ ...each, kind: input.kind })),
  }),
  mustSee: ["accepted", "STATE_FORGED", "letter", "ACTOR_DEADLETTER_INVALID"],
  testRuns: 200,
});
