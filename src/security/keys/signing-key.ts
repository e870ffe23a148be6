// A private Ed25519 key in memory. It signs bytes; it never prints itself, and
// its seed can be had only by whoever made it.
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { inspect } from "node:util";
import { CellError } from "../../errors/cell-error.ts";
import { fromBase64Url, toHex } from "../bytes.ts";

export const SEED_BYTES = 32;
/** PKCS #8 head of an Ed25519 private key (RFC 8410, section 7); the seed follows. */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

/** Whatever signs for one key at a time. Who reads both does so in one turn: a node's key can be another in the next. */
export type Signer = {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
};

export class SigningKey implements Signer {
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  private constructor(key: KeyObject, publicKey: Uint8Array) {
    this.#key = key;
    this.publicKey = publicKey;
  }

  /** Throws AUTHORITY_KEY_INVALID unless the seed has 32 bytes. */
  static fromSeed(seed: Uint8Array): SigningKey {
    if (seed.length !== SEED_BYTES) {
      throw new CellError("AUTHORITY_KEY_INVALID", `a seed has ${SEED_BYTES} bytes`);
    }
    const der = Buffer.concat([PKCS8_HEAD, seed]);
    const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    der.fill(0);
    const publicKey = fromBase64Url(createPublicKey(key).export({ format: "jwk" }).x ?? "");
    if (publicKey === undefined) throw new CellError("AUTHORITY_KEY_INVALID");
    return new SigningKey(key, publicKey);
  }

  /** Ed25519 signature, 64 bytes; the same for the same message. */
  sign(message: Uint8Array): Uint8Array {
    return sign(null, message, this.#key);
  }

  toString(): string {
    return `SigningKey(${toHex(this.publicKey).slice(0, 16)})`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
