// Capsule ids: UUID version 7 (RFC 9562, section 5.7), so that they sort by time.
import { ID_BYTES } from "./capsule.ts";

export type IdSource = {
  readonly nowUnixMs: () => number;
  /** `size` bytes that nobody can guess. */
  readonly randomBytes: (size: number) => Uint8Array;
};

/** A maker of ids; their times never step back, even when the clock does. */
export function createIds(source: IdSource): () => Uint8Array {
  let last = 0;
  return () => {
    last = Math.max(last, Math.trunc(source.nowUnixMs()));
    return uuidV7(last, source.randomBytes(10));
  };
}

/** @param random 10 bytes, of which 74 bits are used */
export function uuidV7(unixMs: number, random: Uint8Array): Uint8Array {
  if (random.length !== 10) throw new RangeError("10 random bytes are needed");
  const id = new Uint8Array(ID_BYTES);
  const view = new DataView(id.buffer);
  view.setUint16(0, Math.floor(unixMs / 2 ** 32));
  view.setUint32(2, unixMs % 2 ** 32);
  id.set(random, 6);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  return id;
}
