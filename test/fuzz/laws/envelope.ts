// An envelope is read as a second reader reads it, by the quick way as by the strict one.
import { isDeepStrictEqual } from "node:util";
import { EnvelopeSchema } from "../../../src/gen/cell0/v1/capsule_pb.ts";
import { toHex } from "../../../src/security/bytes.ts";
import {
  decodeEnvelope,
  decodeSlowly,
  type Envelope,
  MAX_CAPSULES,
  MAX_ENVELOPE_BYTES,
} from "../../../src/security/wire/envelope.ts";
import { MAX_PATH_NODES } from "../../../src/security/wire/merkle.ts";
import { accepted, codeOf, demand } from "../demand.ts";
import { type Mutant, mutants, ofMutants } from "../mutants.ts";
import { type Meaning, meaningOfBytes } from "../reference-reader.ts";
import { envelopeSamples } from "../samples.ts";
import { targetOf } from "../target.ts";

const BOUNDS = { "Envelope.capsules": MAX_CAPSULES, "MerkleProof.path": MAX_PATH_NODES };

export const envelope = targetOf<Mutant>({
  name: "envelope",
  inputs: mutants(envelopeSamples, MAX_ENVELOPE_BYTES),
  check: ({ bytes }, saw) => {
    const quick = decodeEnvelope(bytes);
    const read = accepted(quick, saw);
    if (bytes.length <= MAX_ENVELOPE_BYTES) {
      const slow = decodeSlowly(bytes);
      const isSame = quick.ok ? slow.ok : !slow.ok && codeOf(quick.error) === codeOf(slow.error);
      demand(isSame, "the quick way and the strict one differ");
    }
    if (read === undefined) return;
    const meaning = meaningOfBytes(EnvelopeSchema, bytes, BOUNDS);
    demand(meaning !== undefined, "it reads what others refuse, or read otherwise");
    demand(isDeepStrictEqual(meaning, meaningOf(read)), "it reads it otherwise than others do");
  },
  ...ofMutants,
  mustSee: ["accepted", "CAPSULE_MALFORMED", "CAPSULE_PROOF_INVALID", "CAPSULE_TOO_LARGE"],
  testRuns: 1_500,
});

function meaningOf({ issuer, capsules, proof }: Envelope): Meaning {
  const head = { issuer: toHex(issuer), algorithm: "1", capsules: capsules.map(toHex) };
  const signature = toHex(proof.signature);
  if (proof.kind === "single") return { ...head, single: { signature } };
  const { batch, count, firstIndex, root, path } = proof;
  const numbers = Object.entries({ batch, count, first_index: firstIndex });
  const merkle = {
    ...Object.fromEntries(numbers.flatMap(([name, value]) => (value > 0 ? [[name, String(value)]] : []))),
    ...{ signature, root: toHex(root) },
    ...(path.length === 0 ? {} : { path: path.map(toHex) }),
  };
  return { ...head, merkle };
}
