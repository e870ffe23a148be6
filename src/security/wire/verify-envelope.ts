// Whether an envelope's proof covers its capsules under its issuer's key, by the quick
// verifier and by what is known of signatures that the rule admits though that one refuses
// them. Says nothing of whether that issuer may send anything.
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

/**
 * Signatures that were found valid: of roots, so that a batch spread over many envelopes costs one
 * verification; and those that the rule admits though the quick verifier refuses them. The oldest goes first.
 */
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

/** A signature, and what it is to be of. */
export type Signed = {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
};

/** Name under which a signature is known to be valid. */
export const nameOf = ({ message, signature }: Pick<Signed, "message" | "signature">): string =>
  mapKey(sha256(message, signature));

/** What the proof of an envelope rests on; undefined when it has not the shape of one. */
export function signedOf(envelope: Envelope, genesisHash: Uint8Array): Signed | undefined {
  const { issuer: publicKey, capsules, proof } = envelope;
  const { signature } = proof;
  if (proof.kind === "merkle")
    return { publicKey, message: batchInput(genesisHash, publicKey, proof), signature };
  const [only] = capsules;
  if (only === undefined || capsules.length > 1) return undefined;
  return { publicKey, message: singleInput(genesisHash, publicKey, sha256(only)), signature };
}

/**
 * Errors: CAPSULE_PROOF_INVALID; CAPSULE_SIGNATURE_INVALID, also for a signature that the rule may admit.
 * @param isSigned whether its signature, see signedOf, was found valid before
 */
export function verifyEnvelope(
  envelope: Envelope,
  genesisHash: Uint8Array,
  roots?: VerifiedRoots,
  isSigned = false,
): Result<readonly VerifiedCapsule[], CellError> {
  const { issuer, proof } = envelope;
  const capsules = envelope.capsules.map((bytes) => ({ bytes, hash: sha256(bytes) }));
  if (proof.kind === "merkle") {
    const fault = batchFault(envelope, proof, genesisHash, roots, isSigned);
    return fault === undefined ? ok(capsules) : err(fault);
  }
  const [only] = capsules;
  if (only === undefined || capsules.length > 1) return err(new CellError("CAPSULE_PROOF_INVALID"));
  if (isSigned) return ok(capsules);
  const message = singleInput(genesisHash, issuer, only.hash);
  const { signature } = proof;
  const isValid =
    verifyEd25519(issuer, message, signature) || roots?.has(nameOf({ message, signature })) === true;
  return isValid ? ok(capsules) : err(new CellError("CAPSULE_SIGNATURE_INVALID"));
}

function batchFault(
  { issuer, capsules }: Envelope,
  proof: BatchProof,
  genesisHash: Uint8Array,
  roots: VerifiedRoots | undefined,
  isSigned: boolean,
): CellError | undefined {
  const root = rootFromRange(capsules.map(leafHash), proof.firstIndex, proof.count, proof.path);
  if (root === undefined || !equalBytes(root, proof.root)) {
    return new CellError(
      "CAPSULE_PROOF_INVALID",
      "the Merkle path does not lead from the capsules to the root",
    );
  }
  const input = batchInput(genesisHash, issuer, proof);
  const name = roots === undefined ? "" : nameOf({ message: input, signature: proof.signature });
  if (roots?.has(name) === true) return undefined;
  if (!isSigned && !verifyEd25519(issuer, input, proof.signature))
    return new CellError("CAPSULE_SIGNATURE_INVALID");
  roots?.add(name);
  return undefined;
}
