// Points of small order: under such a key a signature says nothing about its message.
import { copyOf, toHex } from "../bytes.ts";

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

/** Their last bytes, sign bit cleared: all that is looked at of nearly every other point. */
const LAST_BYTES: ReadonlySet<number> = new Set(
  [...SMALL_ORDER].map((hex) => Number.parseInt(hex.slice(-2), 16)),
);

/** @param key 32 bytes */
export function isSmallOrder(key: Uint8Array): boolean {
  if (!LAST_BYTES.has((key[31] ?? 0) & 0x7f)) return false;
  const unsigned = copyOf(key);
  unsigned[31] = (unsigned[31] ?? 0) & 0x7f;
  return SMALL_ORDER.has(toHex(unsigned));
}
