// Random bytes for ids, drawn from the system in larger pieces: a call for each id would
// cost more than all else that an event or a span does. Not for keys.
import { randomFillSync } from "node:crypto";

const pool = Buffer.alloc(8_192);
let used = pool.length;

/** A view that the next calls do not touch until the pool is drawn anew: copy what is kept. */
export function randomView(bytes: number): Buffer {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.subarray(used - bytes, used);
}
