// Whether an envelope's proof covers its capsules under its issuer's key. Says
// nothing of whether that issuer may send anything.
import { InFlightSet } from "../../collections/in-flight.ts";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { equalBytes, mapKey, sha256 } from "../bytes.ts";
import { verifyEd25519 } from "../keys/verify.ts";
import type { BatchProof, Envelope } from "./envelope.ts";
import { leafHash, rootFromRange } from "./merkle.ts";
import { batchInput, singleInput } from "./signing-input.ts";

export type VerifiedCapsule = {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes. */
  readonly hash: Uint8Array;
};

/** Roots whose signature was found valid, so that a batch spread over many envelopes costs one verification. The oldest goes first. */
export class VerifiedRoots {
  readonly #known = new InFlightSet<string>();
  readonly #bound: number;

  constructor(bound = 1024) {
    this.#bound = bound;
  }

  has(root: string): boolean {
    return this.#known.has(root);
  }

  add(root: string): void {
    const oldest = this.#known.size < this.#bound ? undefined : this.#known.values().next().value;
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.add(root);
  }
}

export function verifyEnvelope(
  envelope: Envelope,
  genesisHash: Uint8Array,
  roots?: VerifiedRoots,
): Result<readonly VerifiedCapsule[], CellError> {
  const { issuer, proof } = envelope;
  const capsules = envelope.capsules.map((bytes) => ({ bytes, hash: sha256(bytes) }));
  if (proof.kind === "merkle") {
    const fault = batchFault(envelope, proof, genesisHash, roots);
    return fault === undefined ? ok(capsules) : err(fault);
  }
  const [only] = capsules;
  if (only === undefined || capsules.length > 1) return err(new CellError("CAPSULE_PROOF_INVALID"));
  const valid = verifyEd25519(issuer, singleInput(genesisHash, issuer, only.hash), proof.signature);
  return valid ? ok(capsules) : err(new CellError("CAPSULE_SIGNATURE_INVALID"));
}

function batchFault(
  { issuer, capsules }: Envelope,
  proof: BatchProof,
  genesisHash: Uint8Array,
  roots: VerifiedRoots | undefined,
): CellError | undefined {
  const root = rootFromRange(capsules.map(leafHash), proof.firstIndex, proof.count, proof.path);
  if (root === undefined || !equalBytes(root, proof.root)) {
    return new CellError(
      "CAPSULE_PROOF_INVALID",
      "the Merkle path does not lead from the capsules to the root",
    );
  }
  const input = batchInput(genesisHash, issuer, proof);
  const name = roots === undefined ? "" : mapKey(sha256(input, proof.signature));
  if (roots?.has(name) === true) return undefined;
  if (!verifyEd25519(issuer, input, proof.signature)) return new CellError("CAPSULE_SIGNATURE_INVALID");
  roots?.add(name);
  return undefined;
}
