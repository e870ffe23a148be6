// Which public keys a cell certifies at all. Done once, when a certificate or a
// genesis is read, so that no verifier meets a key on which verifiers disagree.
import { Point } from "@noble/ed25519";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { copyOf, toHex } from "../bytes.ts";
import { PUBLIC_KEY_BYTES } from "./verify.ts";

/**
 * The y coordinates of the eight points of small order, canonical and not, sign
 * bit cleared (Chalkias, Garillot, Nikolaenko: "Taming the many EdDSAs", table 5).
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** A copy of the key, or AUTHORITY_KEY_INVALID: wrong length, not canonical, no point, small order. */
export function admitKey(bytes: Uint8Array): Result<Uint8Array, CellError> {
  if (bytes.length !== PUBLIC_KEY_BYTES) return refuse(`it has ${bytes.length} bytes instead of 32`);
  const key = copyOf(bytes);
  const unsigned = copyOf(key);
  unsigned[31] = (unsigned[31] ?? 0) & 0x7f;
  if (SMALL_ORDER.has(toHex(unsigned))) return refuse("it has small order");
  try {
    // Strict: y below p, on the curve, no negative zero.
    Point.fromBytes(key, false);
  } catch {
    return refuse("it is not a point of the curve in canonical form");
  }
  return ok(key);
}

const refuse = (why: string) => err(new CellError("AUTHORITY_KEY_INVALID", `not an acceptable key: ${why}`));
