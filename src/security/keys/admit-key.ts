// Which public keys a cell certifies at all. Done once, when a certificate or a
// genesis is read, so that no verifier meets a key on which verifiers disagree.
import { Point } from "@noble/ed25519";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { copyOf } from "../bytes.ts";
import { isSmallOrder } from "./small-order.ts";
import { PUBLIC_KEY_BYTES } from "./verify.ts";

/** A copy of the key, or AUTHORITY_KEY_INVALID: wrong length, not canonical, no point, small order. */
export function admitKey(bytes: Uint8Array): Result<Uint8Array, CellError> {
  if (bytes.length !== PUBLIC_KEY_BYTES) return refuse(`it has ${bytes.length} bytes instead of 32`);
  const key = copyOf(bytes);
  if (isSmallOrder(key)) return refuse("it has small order");
  try {
    // Strict: y below p, on the curve, no negative zero.
    Point.fromBytes(key, false);
  } catch {
    return refuse("it is not a point of the curve in canonical form");
  }
  return ok(key);
}

/**
 * The part of that which costs nothing: length, a canonical y, no small order. Whether it is a point
 * shows when a signature under it is verified.
 */
export function hasKeyForm(bytes: Uint8Array): boolean {
  return bytes.length === PUBLIC_KEY_BYTES && !isSmallOrder(bytes) && isBelowPrime(bytes);
}

/** Of the 2^255 values of y the last 19 are not below p. */
function isBelowPrime(key: Uint8Array): boolean {
  const isHigh = ((key[31] ?? 0) & 0x7f) === 0x7f && key.subarray(1, 31).every((byte) => byte === 0xff);
  return !isHigh || (key[0] ?? 0) < 0xed;
}

const refuse = (why: string) => err(new CellError("AUTHORITY_KEY_INVALID", `not an acceptable key: ${why}`));
