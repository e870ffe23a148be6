// What all vectors are made of: ids by their number, and bytes that are changed on purpose.
import { concat } from "../../src/security/bytes.ts";

export const idOf = (number: number): Uint8Array => {
  const id = new Uint8Array(16).fill(0x11);
  id[15] = number;
  return id;
};

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** @param at of the byte whose lowest bit is flipped; below 0: from the end */
export function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

/** The length of its first field in one byte more than it needs. */
export function padded(message: Uint8Array): Uint8Array {
  let last = 1;
  while ((message[last] ?? 0) >= 0x80) last += 1;
  return concat(
    message.subarray(0, last),
    Uint8Array.of((message[last] ?? 0) | 0x80, 0),
    message.subarray(last + 1),
  );
}
