// Records in a file: 4 bytes of length, 4 bytes of CRC-32 (both big endian), the bytes.
// Reading tells a torn tail (the process died in a write) from damage in the middle.
import { crc32 } from "node:zlib";

const HEADER_BYTES = 8;
/** A record's bound; a length beyond it cannot be one. */
export const MAX_FRAME_BYTES = 64 * 1024;

/** @throws RangeError when the bytes are none or too many: a bug of the caller */
export function frame(bytes: Uint8Array): Buffer {
  if (bytes.length === 0 || bytes.length > MAX_FRAME_BYTES)
    throw new RangeError(`a record of ${bytes.length} bytes`);
  const framed = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
  framed.writeUInt32BE(bytes.length, 0);
  framed.writeUInt32BE(crc32(bytes), 4);
  framed.set(bytes, HEADER_BYTES);
  return framed;
}

export type Frames = {
  readonly records: readonly Uint8Array[];
  /** Whole records whose bytes do not match their sum. */
  readonly damaged: number;
  /** Where the last whole record ends. */
  readonly end: number;
  /** Whether what follows cannot be the beginning of a record. */
  readonly unreadable: boolean;
};

/** Reads whole records; a rest that may become one with more bytes is left. */
export function readFrames(bytes: Buffer): Frames {
  const records: Uint8Array[] = [];
  let damaged = 0;
  let end = 0;
  while (end + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32BE(end);
    if (length === 0 || length > MAX_FRAME_BYTES) return { records, damaged, end, unreadable: true };
    const next = end + HEADER_BYTES + length;
    if (next > bytes.length) break;
    const record = bytes.subarray(end + HEADER_BYTES, next);
    if (crc32(record) === bytes.readUInt32BE(end + 4)) records.push(record);
    else damaged++;
    end = next;
  }
  return { records, damaged, end, unreadable: false };
}
