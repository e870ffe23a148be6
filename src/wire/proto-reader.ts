// Reads protobuf that is written as usual: for the hot way, where nearly every message is.
// What is unusual (a length beyond the end, a number beyond 2^53 or longer than it must be, text
// that is not ASCII)
// clears `sound` and reads on harmlessly; then the message is for a full decoder to judge.
import { latin1Of } from "./memory.ts";

const NOTHING = new Uint8Array();
/** Bytes of a number that JavaScript holds exactly, but for its largest. */
const MAX_VARINT_BYTES = 8;

export class ProtoReader {
  /** False: nothing that was read counts. */
  sound = true;
  readonly #bytes: Uint8Array;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** Tag of the next field, number and wire type together; 0 at the end of the message. */
  tag(): number {
    if (this.#at >= this.#end || !this.sound) return 0;
    const tag = this.number();
    // No field has the number 0: a full decoder refuses it.
    if (tag === 0) this.sound = false;
    return tag;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    const last = Math.min(this.#end, this.#at + MAX_VARINT_BYTES);
    while (this.#at < last) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        // Not in its shortest form, or not exact.
        if (scale > 1 && (byte === 0 || value > Number.MAX_SAFE_INTEGER)) this.sound = false;
        return value;
      }
      scale *= 0x80;
    }
    this.sound = false;
    return 0;
  }

  /** Of 32 bits. */
  uint32(): number {
    const value = this.number();
    if (value > 0xffff_ffff) this.sound = false;
    return value;
  }

  flag(): boolean {
    const value = this.number();
    if (value > 1) this.sound = false;
    return value === 1;
  }

  /** A view. */
  bytes(): Uint8Array {
    const length = this.#length();
    if (length === 0) return NOTHING;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** @param known what it probably is: comparing is faster than making a text anew */
  text(known = ""): string {
    const length = this.#length();
    const from = this.#at;
    this.#at += length;
    if (length === known.length && this.#is(known, from)) return known;
    for (let at = from; at < this.#at; at += 1) {
      if ((this.#bytes[at] ?? 0) > 0x7f) this.sound = false;
    }
    return latin1Of(this.#bytes.subarray(from, this.#at));
  }

  /** Goes into a message within; `leave` takes what this returns. */
  enter(): number {
    const length = this.#length();
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
  }

  #is(known: string, from: number): boolean {
    for (let at = 0; at < known.length; at += 1) {
      const code = known.charCodeAt(at);
      if (code > 0x7f || code !== this.#bytes[from + at]) return false;
    }
    return true;
  }

  #length(): number {
    const length = this.number();
    if (length <= this.#end - this.#at) return length;
    this.sound = false;
    return 0;
  }
}
