// Ed25519 verification by the cell's one rule: ZIP215 without small-order keys. OpenSSL is
// the quick way; what it accepts under such a key the rule accepts too. It refuses some
// signatures that the rule admits, which only a deliberate signer can make: those are decided
// by whoever implements the rule in full. Honest signatures never differ.
import { Buffer } from "node:buffer";
import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { hashes, verify as verifyZip215 } from "@noble/ed25519";
import { mapKey } from "../bytes.ts";
import { isSmallOrder } from "./small-order.ts";

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
/** A point, before S. */
const R_BYTES = 32;
/** SPKI head of an Ed25519 public key (RFC 8410, section 4); the key follows. */
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");
/** Parsed keys kept; the oldest goes first. */
const MAX_CACHED_KEYS = 1024;

hashes.sha512 = (message) => new Uint8Array(hash("sha512", message, "buffer"));

const parsedKeys = new Map<string, KeyObject>();

/**
 * The quick way: false also for what the rule may admit, malformed keys and lengths included.
 * Some 125 us. Never throws.
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  // OpenSSL refuses them too, but not in its versions before 3.5: no verdict is to depend on that.
  if (isSmallOrder(signature.subarray(0, R_BYTES))) return false;
  try {
    return verify(null, message, keyObject(publicKey), signature);
  } catch {
    return false;
  }
}

/**
 * The rule itself. Where the quick way refuses it takes ten times as long: not for what
 * anybody may send, see second-opinion.ts. Never throws.
 */
export function verifyByRule(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (verifyEd25519(publicKey, message, signature)) return true;
  if (publicKey.length !== PUBLIC_KEY_BYTES || isSmallOrder(publicKey)) return false;
  try {
    return verifyZip215(signature, message, publicKey, { zip215: true });
  } catch {
    return false;
  }
}

/** Throws for a key of small order, under which OpenSSL accepts anything. */
function keyObject(publicKey: Uint8Array): KeyObject {
  const name = mapKey(publicKey);
  const known = parsedKeys.get(name);
  if (known !== undefined) return known;
  if (isSmallOrder(publicKey)) throw new RangeError("a key of small order");
  const parsed = createPublicKey({ key: Buffer.concat([SPKI_HEAD, publicKey]), format: "der", type: "spki" });
  const oldest = parsedKeys.size < MAX_CACHED_KEYS ? undefined : parsedKeys.keys().next().value;
  if (oldest !== undefined) parsedKeys.delete(oldest);
  parsedKeys.set(name, parsed);
  return parsed;
}
