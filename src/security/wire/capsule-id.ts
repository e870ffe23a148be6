// Capsule ids: UUID version 7 (RFC 9562, section 5.7), so that they sort by time.
import { ID_BYTES } from "./capsule.ts";

export type IdSource = {
  readonly nowUnixMs: () => number;
  /** `size` bytes that nobody can guess. */
  readonly randomBytes: (size: number) => Uint8Array;
};

const RANDOM_BYTES = 10;
/** Drawn at once: a call to the system for each id costs more than all else that an id does. */
const IDS_A_DRAW = 128;

/** A maker of ids; their times never step back, even when the clock does. */
export function createIds(source: IdSource): () => Uint8Array {
  let last = 0;
  let drawn: Uint8Array = new Uint8Array();
  return () => {
    last = Math.max(last, Math.trunc(source.nowUnixMs()));
    if (drawn.length === 0) drawn = source.randomBytes(RANDOM_BYTES * IDS_A_DRAW);
    const random = drawn.subarray(0, RANDOM_BYTES);
    drawn = drawn.subarray(RANDOM_BYTES);
    return uuidV7(last, random);
  };
}

/** @param random 10 bytes, of which 74 bits are used */
export function uuidV7(unixMs: number, random: Uint8Array): Uint8Array {
  if (random.length !== RANDOM_BYTES) throw new RangeError("10 random bytes are needed");
  const id = new Uint8Array(ID_BYTES);
  // By hand: a view of 16 bytes costs more than all of this.
  let rest = unixMs;
  for (let at = 5; at >= 0; at -= 1) {
    id[at] = rest % 0x100;
    rest = Math.floor(rest / 0x100);
  }
  id.set(random, 6);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x70;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id;
}
