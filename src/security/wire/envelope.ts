// Envelopes as plain data, their bounds, and bytes -> Envelope. Whose signature
// it bears, and whether it is valid, is judged elsewhere.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import {
  Algorithm,
  type Envelope as EnvelopeMessage,
  EnvelopeSchema,
} from "../../gen/cell0/v1/capsule_pb.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../keys/verify.ts";
import { MAX_CAPSULE_BYTES } from "./capsule.ts";
import { MAX_LEAVES, MAX_PATH_NODES } from "./merkle.ts";
import { type EnvelopeFields, readEnvelope } from "./read-envelope.ts";
import { HASH_BYTES } from "./signing-input.ts";
import { decodeStrict } from "./strict-decode.ts";

export const MAX_ENVELOPE_BYTES = 1024 * 1024;
export const MAX_CAPSULES = 64;

export type BatchProof = {
  readonly kind: "merkle";
  readonly signature: Uint8Array;
  readonly batch: bigint;
  readonly count: number;
  readonly firstIndex: number;
  readonly root: Uint8Array;
  readonly path: readonly Uint8Array[];
};
export type SingleProof = { readonly kind: "single"; readonly signature: Uint8Array };

/** Ed25519 throughout: no other algorithm is known. */
export type Envelope = {
  readonly issuer: Uint8Array;
  readonly capsules: readonly Uint8Array[];
  readonly proof: SingleProof | BatchProof;
};

const BOUNDS = { "Envelope.capsules": MAX_CAPSULES, "MerkleProof.path": MAX_PATH_NODES };

/** Arbitrary bytes yield an envelope within all bounds or a coded error; never throws. */
export function decodeEnvelope(
  bytes: Uint8Array,
  maxBytes = MAX_ENVELOPE_BYTES,
): Result<Envelope, CellError> {
  if (bytes.length > maxBytes) {
    return err(
      new CellError(
        "CAPSULE_TOO_LARGE",
        `the message has ${bytes.length} bytes, at most ${maxBytes} are read`,
      ),
    );
  }
  const fields = readEnvelope(bytes, MAX_CAPSULES, MAX_PATH_NODES);
  return fields === undefined ? decodeSlowly(bytes) : judge(fields);
}

/** The same for any bytes, with every fault named. */
export function decodeSlowly(bytes: Uint8Array): Result<Envelope, CellError> {
  const decoded = decodeStrict(EnvelopeSchema, bytes, BOUNDS);
  return decoded.ok ? judge({ ...decoded.value, proof: proofOf(decoded.value) }) : decoded;
}

function proofOf({ proof }: EnvelopeMessage): EnvelopeFields["proof"] {
  if (proof.case === undefined) return undefined;
  const { signature } = proof.value;
  if (proof.case === "single") return { kind: "single", signature };
  const { batch, count, firstIndex, root, path } = proof.value;
  return { kind: "merkle", signature, batch, count, firstIndex, root, path };
}

function judge({ issuer, algorithm, capsules, proof }: EnvelopeFields): Result<Envelope, CellError> {
  if (algorithm !== Algorithm.ED25519) {
    return err(new CellError("CAPSULE_ALGORITHM_UNKNOWN", `algorithm ${algorithm} is unknown`));
  }
  if (issuer.length !== PUBLIC_KEY_BYTES) return malformed("`issuer` must be 32 bytes");
  if (capsules.length === 0) return malformed("the envelope holds no capsule");
  if (capsules.some(({ length }) => length > MAX_CAPSULE_BYTES)) {
    return err(new CellError("CAPSULE_TOO_LARGE", "a capsule is too large"));
  }
  if (proof === undefined) return unproven("there is no proof");
  if (proof.signature.length !== SIGNATURE_BYTES) return unproven("`signature` must be 64 bytes");
  const fault = proof.kind === "single" ? singleFault(capsules) : batchFault(proof, capsules);
  return fault === undefined ? ok({ issuer, capsules, proof }) : unproven(fault);
}

const singleFault = ({ length }: Envelope["capsules"]): string | undefined =>
  length === 1 ? undefined : "a single signature proves exactly one capsule";

function batchFault(
  { count, firstIndex, root, path }: BatchProof,
  capsules: Envelope["capsules"],
): string | undefined {
  if (count < 1 || count > MAX_LEAVES) return `\`count\` must be 1 to ${MAX_LEAVES}`;
  if (firstIndex + capsules.length > count) return "the capsules lie beyond the end of the batch";
  if (root.length !== HASH_BYTES) return "`root` must be 32 bytes";
  if (path.some(({ length }) => length !== HASH_BYTES)) return "each hash in `path` must be 32 bytes";
  return undefined;
}

const malformed = (what: string) => err(new CellError("CAPSULE_MALFORMED", what));
const unproven = (what: string) => err(new CellError("CAPSULE_PROOF_INVALID", what));
