// Records in a file: 4 bytes of length, 4 bytes of CRC-32 (both big endian), the bytes.
// Reading tells a torn tail (the process died in a write) from damage in the middle.
import { crc32 } from "node:zlib";

export const HEADER_BYTES = 8;
/** A record's bound; a length beyond it cannot be one. */
export const MAX_FRAME_BYTES = 64 * 1024;

/** Writes the record of some bytes, of which there must be room, and says where it ends. */
export function writeFrame(target: Buffer, at: number, bytes: Uint8Array): number {
  target.writeUInt32BE(bytes.length, at);
  target.writeUInt32BE(crc32(bytes), at + 4);
  target.set(bytes, at + HEADER_BYTES);
  return at + HEADER_BYTES + bytes.length;
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
