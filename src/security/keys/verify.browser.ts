// Ed25519 verification in a browser: the cell's one rule itself, ZIP215 without small-order keys,
// by noble. There is no OpenSSL to be quicker, and WebCrypto answers only in a promise, by
// rules that browsers do not agree on.
import { hashes, verify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { isSmallOrder } from "./small-order.ts";

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

hashes.sha512 = sha512;

/** Some milliseconds. Never throws. */
export function verifyByRule(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  if (isSmallOrder(publicKey)) return false;
  try {
    return verify(signature, message, publicKey, { zip215: true });
  } catch {
    return false;
  }
}

/** Here there is no quicker way. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return verifyByRule(publicKey, message, signature);
}
