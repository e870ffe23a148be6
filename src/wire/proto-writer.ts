// Writes protobuf into one buffer that grows to the largest message and is used again:
// what is written thousands of times a second makes no garbage but its own bytes. Fields
// at their default are left out, and numbers take their shortest form, so that the same
// values always come to the same bytes. Checks nothing: what does not fit is a bug of the caller.
import { allocate, allocateShared, utf8Of } from "./memory.ts";

const FIRST_BYTES = 4096;
const VARINT = 0;
const DELIMITED = 2;
/** Of a 64-bit number. */
const MAX_VARINT_BYTES = 10;
/** Beyond it the system's own encoder is faster than a loop. */
const LOOPED_TEXT = 64;

export class ProtoWriter {
  #buffer = allocate(FIRST_BYTES);
  #end = 0;

  /** A copy of what was written since; the writer is empty afterwards. */
  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#end);
    bytes.set(this.#buffer.subarray(0, this.#end));
    this.#end = 0;
    return bytes;
  }

  /** The same out of memory that many share: for what is soon forgotten, since it keeps all of that alive. */
  take(): Uint8Array {
    const bytes = allocateShared(this.#end);
    bytes.set(this.#buffer.subarray(0, this.#end));
    this.#end = 0;
    return bytes;
  }

  /** Forgets what is half written. */
  reset(): void {
    this.#end = 0;
  }

  /** @param value a whole number from 0 to 2^53 - 1 */
  number(field: number, value: number): void {
    if (value === 0) return;
    this.#reserve(2 * MAX_VARINT_BYTES);
    this.#varint((field << 3) | VARINT);
    this.#varint(value);
  }

  /** @param value from 0 to 2^64 - 1 */
  big(field: number, value: bigint): void {
    if (value <= Number.MAX_SAFE_INTEGER) {
      this.number(field, Number(value));
      return;
    }
    this.#reserve(2 * MAX_VARINT_BYTES);
    this.#varint((field << 3) | VARINT);
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) this.#buffer[this.#end++] = Number(rest & 0x7fn) | 0x80;
    this.#buffer[this.#end++] = Number(rest);
  }

  flag(field: number, value: boolean): void {
    if (value) this.number(field, 1);
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length > 0) this.element(field, value);
  }

  /** One of a repeated field: written also when it is empty. */
  element(field: number, value: Uint8Array): void {
    this.#reserve(2 * MAX_VARINT_BYTES + value.length);
    this.#varint((field << 3) | DELIMITED);
    this.#varint(value.length);
    this.#buffer.set(value, this.#end);
    this.#end += value.length;
  }

  /** @param value pairs of hexadecimal digits. Returns false, and writes nothing, when it is anything else */
  hex(field: number, value: string): boolean {
    if (value.length % 2 !== 0) return false;
    if (value.length === 0) return true;
    const from = this.#end;
    this.#reserve(2 * MAX_VARINT_BYTES + value.length / 2);
    this.#varint((field << 3) | DELIMITED);
    this.#varint(value.length / 2);
    for (let at = 0; at < value.length; at += 2) {
      const byte = (digit(value.charCodeAt(at)) << 4) | digit(value.charCodeAt(at + 1));
      if (byte < 0) {
        this.#end = from;
        return false;
      }
      this.#buffer[this.#end++] = byte;
    }
    return true;
  }

  /** As UTF-8; half a surrogate pair becomes U+FFFD. */
  text(field: number, value: string): void {
    if (value === "") return;
    this.#reserve(2 * MAX_VARINT_BYTES + value.length * 3);
    this.#varint((field << 3) | DELIMITED);
    if (value.length <= LOOPED_TEXT && this.#ascii(value)) return;
    const bytes = utf8Of(value);
    this.#varint(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Begins a message within the message; `close` takes what this returns. */
  open(field: number): number {
    this.#reserve(2 * MAX_VARINT_BYTES);
    this.#varint((field << 3) | DELIMITED);
    this.#end += 1;
    return this.#end;
  }

  close(from: number): void {
    const length = this.#end - from;
    if (length < 0x80) {
      this.#buffer[from - 1] = length;
      return;
    }
    // Its length takes more than the one byte that was left for it.
    let extra = 0;
    for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) extra += 1;
    this.#reserve(extra);
    this.#buffer.copyWithin(from + extra, from, this.#end);
    this.#end = from - 1;
    this.#varint(length);
    this.#end += length;
  }

  /** False when it holds anything but ASCII; then nothing was written. */
  #ascii(value: string): boolean {
    const from = this.#end;
    this.#buffer[this.#end++] = value.length;
    for (let at = 0; at < value.length; at += 1) {
      const code = value.charCodeAt(at);
      if (code > 0x7f) {
        this.#end = from;
        return false;
      }
      this.#buffer[this.#end++] = code;
    }
    return true;
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 0x80))
      this.#buffer[this.#end++] = (rest % 0x80) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) this.#buffer[this.#end++] = (rest & 0x7f) | 0x80;
    this.#buffer[this.#end++] = rest;
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = allocate(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
  }
}

/** Value of a hexadecimal digit's character; so far below 0 that no pair with it is a byte, when it is none. */
function digit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -0x1000;
}
