// The strict decoder reads what a second reader, written apart from it, reads: the same messages,
// and no others. It stands below everything that a cell takes from outside.
import { isDeepStrictEqual } from "node:util";
import type { DescMessage } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  CapabilityChainSchema,
  SignedTokenSchema,
  TokenBodySchema,
} from "../../../src/gen/cell0/v1/capability_pb.ts";
import { EnvelopeSchema, IntentCapsuleSchema } from "../../../src/gen/cell0/v1/capsule_pb.ts";
import { DeadLetterRecordSchema } from "../../../src/gen/cell0/v1/deadletter_pb.ts";
import { SealedRecordSchema } from "../../../src/gen/cell0/v1/durable_pb.ts";
import {
  CertificateBodySchema,
  GenesisSchema,
  RevisionBodySchema,
  SignedCertificateSchema,
  SignedRevisionSchema,
} from "../../../src/gen/cell0/v1/trust_pb.ts";
import { decodeStrict } from "../../../src/security/wire/strict-decode.ts";
import { genesis } from "../../security/cell-fixture.ts";
import { accepted, demand } from "../demand.ts";
import { type Mutant, mutants, ofMutants } from "../mutants.ts";
import { meaningOfBytes, meaningOfMessage } from "../reference-reader.ts";
import {
  capsuleSamples,
  certificates,
  chainSamples,
  chains,
  envelopeSamples,
  letters,
  revisions,
  sealedSamples,
} from "../samples.ts";
import { targetOf } from "../target.ts";
import { readFields } from "../wire-tree.ts";

const BOUNDS = {
  "Envelope.capsules": 4,
  "MerkleProof.path": 24,
  "CapabilityChain.links": 8,
  "TokenBody.permissions": 16,
  "Permission.intents": 4,
  "Permission.targets": 4,
  "Permission.constraints": 8,
  "Values.values": 8,
  "CertificateBody.shards": 4,
  "CertificateBody.grants": 4,
  "Grant.intents": 4,
  "Grant.targets": 4,
  "SealedRecord.path": 12,
  "DeadLetter.deaths": 4,
};

/** Of a signed message: what its first field holds. */
const bodyOf = (signed: Uint8Array): Uint8Array => readFields(signed)?.[0]?.value ?? new Uint8Array();
const links = chains.flatMap((chain) => chain.links);
const SOURCES: readonly (readonly [schema: DescMessage, samples: readonly Uint8Array[]])[] = [
  [EnvelopeSchema, envelopeSamples],
  [IntentCapsuleSchema, capsuleSamples],
  [CapabilityChainSchema, chainSamples],
  [SignedTokenSchema, links.map(({ bytes }) => bytes)],
  [TokenBodySchema, links.map(({ body }) => body)],
  [SignedCertificateSchema, certificates.map(({ bytes }) => bytes)],
  [CertificateBodySchema, certificates.map(({ body }) => body)],
  [SignedRevisionSchema, revisions],
  [RevisionBodySchema, revisions.map(bodyOf)],
  [SealedRecordSchema, sealedSamples],
  [DeadLetterRecordSchema, letters],
  [GenesisSchema, [genesis.bytes]],
];

type Input = { readonly schema: DescMessage; readonly mutant: Mutant };

export const decoder = targetOf<Input>({
  name: "decoder",
  inputs: fc.oneof(
    ...SOURCES.map(([schema, samples]) => mutants(samples, 64 * 1024).map((mutant) => ({ schema, mutant }))),
  ),
  check: ({ schema, mutant: { bytes } }, saw) => {
    const expected = meaningOfBytes(schema, bytes, BOUNDS);
    const message = accepted(decodeStrict(schema, bytes, BOUNDS), saw);
    demand(
      (message === undefined) === (expected === undefined),
      message === undefined
        ? "it refuses what others read"
        : "it reads what others refuse, or read otherwise",
    );
    if (message === undefined) return;
    const isSame = isDeepStrictEqual(meaningOfMessage(schema, message), expected);
    demand(isSame, "it reads it otherwise than others do");
  },
  show: ({ schema, mutant }) => `${schema.name} ${ofMutants.show(mutant)}`,
  smaller: ({ schema, mutant }, fails) => ({
    schema,
    mutant: ofMutants.smaller(mutant, (each) => fails({ schema, mutant: each })),
  }),
  mustSee: ["accepted", "CAPSULE_MALFORMED"],
  testRuns: 2_500,
});
