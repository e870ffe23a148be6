// A private Ed25519 key in a browser's memory, by noble: it must sign within the turn.
import { getPublicKey, hashes, sign } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { CellError } from "../../errors/cell-error.ts";
import { toHex } from "../bytes.ts";

export const SEED_BYTES = 32;

hashes.sha512 = sha512;

export class SigningKey {
  readonly publicKey: Uint8Array;
  readonly #seed: Uint8Array;

  private constructor(seed: Uint8Array) {
    this.#seed = new Uint8Array(seed);
    this.publicKey = getPublicKey(this.#seed);
  }

  /** Throws AUTHORITY_KEY_INVALID unless the seed has 32 bytes. */
  static fromSeed(seed: Uint8Array): SigningKey {
    if (seed.length === SEED_BYTES) return new SigningKey(seed);
    throw new CellError("AUTHORITY_KEY_INVALID", `a seed has ${SEED_BYTES} bytes`);
  }

  /** Ed25519 signature, 64 bytes; the same for the same message. */
  sign(message: Uint8Array): Uint8Array {
    return sign(message, this.#seed);
  }

  toString(): string {
    return `SigningKey(${toHex(this.publicKey).slice(0, 16)})`;
  }
}
