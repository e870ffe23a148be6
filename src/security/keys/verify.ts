// Ed25519 verification by OpenSSL. What it accepts, the cell's one rule (ZIP215
// without small-order keys) accepts too; it refuses some signatures, which only
// a deliberate signer can make, that ZIP215 admits. Honest signatures never differ.
import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { mapKey } from "../bytes.ts";

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
/** SPKI head of an Ed25519 public key (RFC 8410, section 4); the key follows. */
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");
/** Parsed keys kept; the oldest goes first. */
const MAX_CACHED_KEYS = 1024;

const parsedKeys = new Map<string, KeyObject>();

/** False for anything that is not a valid signature, malformed keys and lengths included. Never throws. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  try {
    return verify(null, message, keyObject(publicKey), signature);
  } catch {
    return false;
  }
}

function keyObject(publicKey: Uint8Array): KeyObject {
  const name = mapKey(publicKey);
  const known = parsedKeys.get(name);
  if (known !== undefined) return known;
  const parsed = createPublicKey({ key: Buffer.concat([SPKI_HEAD, publicKey]), format: "der", type: "spki" });
  const oldest = parsedKeys.size < MAX_CACHED_KEYS ? undefined : parsedKeys.keys().next().value;
  if (oldest !== undefined) parsedKeys.delete(oldest);
  parsedKeys.set(name, parsed);
  return parsed;
}
