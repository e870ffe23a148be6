// Makes bytes smaller while they still fail: pieces are left out, half of them first, then single
// ones (Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing Input", 2002, simplified).
import { concat, copyOf } from "../../src/security/bytes.ts";

const MAX_TRIES = 2_000;

export function smallest(bytes: Uint8Array, fails: (smaller: Uint8Array) => boolean): Uint8Array {
  let best = bytes;
  let tries = 0;
  for (let size = bytes.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && tries < MAX_TRIES; tries += 1) {
      const shorter = copyOf(concat(best.subarray(0, at), best.subarray(at + size)));
      if (fails(shorter)) best = shorter;
      else at += size;
    }
  }
  return best;
}
