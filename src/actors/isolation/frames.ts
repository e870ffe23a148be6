// Length-prefixed frames: four bytes of length, big-endian, then that many bytes.
// One form for worker and process; the reader takes a stream cut anywhere.
import { CellError } from "../../errors/cell-error.ts";

const HEADER_BYTES = 4;
/** From an actor's side: the largest snapshot, and what names it. */
export const MAX_FROM_ACTOR_BYTES = 4 * 1024 * 1024 + 1024;
/** To an actor's side: input and snapshot together. */
export const MAX_TO_ACTOR_BYTES = 16 * 1024 * 1024;

export function encodeFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + message.byteLength);
  new DataView(frame.buffer).setUint32(0, message.byteLength);
  frame.set(message, HEADER_BYTES);
  return frame;
}

export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** Length of the frame that is being gathered; undefined before its header. */
  #wanted: number | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The frames that this chunk completes. They may be views of it.
   * @throws CellError ACTOR_CHANNEL_VIOLATED as soon as a header announces too much or nothing
   */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
    const frames: Uint8Array[] = [];
    for (;;) {
      this.#wanted ??= this.#header();
      if (this.#wanted === undefined || this.#buffered < this.#wanted) return frames;
      frames.push(this.#take(this.#wanted));
      this.#wanted = undefined;
    }
  }

  #header(): number | undefined {
    if (this.#buffered < HEADER_BYTES) return undefined;
    const header = this.#take(HEADER_BYTES);
    const length = new DataView(header.buffer, header.byteOffset, HEADER_BYTES).getUint32(0);
    if (length > 0 && length <= this.#maxBytes) return length;
    throw new CellError("ACTOR_CHANNEL_VIOLATED", `a frame of ${length} bytes was announced`);
  }

  #take(bytes: number): Uint8Array {
    const [first] = this.#chunks;
    const whole =
      first !== undefined && first.byteLength >= bytes ? first : new Uint8Array(Buffer.concat(this.#chunks));
    const rest = whole === first ? this.#chunks.slice(1) : [];
    const left = whole.subarray(bytes);
    this.#chunks = left.byteLength > 0 ? [left, ...rest] : rest;
    this.#buffered -= bytes;
    return whole.subarray(0, bytes);
  }
}
