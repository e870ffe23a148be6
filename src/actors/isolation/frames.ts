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

/** What waits for the rest of a frame is gathered in one buffer: chunks of a byte each would cost a hundred times their size. */
const FIRST_BYTES = 1024;

export class FrameReader {
  readonly #maxBytes: number;
  #gathered: Uint8Array = new Uint8Array();
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The frames that this chunk completes, to be read to the end. They may be views of it.
   * @throws CellError ACTOR_CHANNEL_VIOLATED once a header announces too much or nothing, after the frames before it
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    const isWhole = this.#length === 0;
    if (!isWhole) this.#gather(chunk);
    let rest = isWhole ? chunk : this.#gathered.subarray(0, this.#length);
    const before = rest.byteLength;
    for (let bytes = this.#whole(rest); bytes !== undefined; bytes = this.#whole(rest)) {
      const frame = rest.subarray(HEADER_BYTES, HEADER_BYTES + bytes);
      rest = rest.subarray(HEADER_BYTES + bytes);
      yield frame;
    }
    if (isWhole || rest.byteLength < before) this.#keep(rest);
  }

  /** Length of the frame at the beginning, once all of it is there. */
  #whole(bytes: Uint8Array): number | undefined {
    if (bytes.byteLength < HEADER_BYTES) return undefined;
    const length = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES).getUint32(0);
    if (length === 0 || length > this.#maxBytes) {
      throw new CellError("ACTOR_CHANNEL_VIOLATED", `a frame of ${length} bytes was announced`);
    }
    return bytes.byteLength < HEADER_BYTES + length ? undefined : length;
  }

  /** Frames that were given out are views of what was gathered: that is never written again. */
  #keep(rest: Uint8Array): void {
    this.#gathered = new Uint8Array();
    this.#length = 0;
    this.#gather(rest);
  }

  #gather(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    const length = this.#length + chunk.byteLength;
    if (length > this.#gathered.byteLength) {
      const larger = new Uint8Array(Math.max(FIRST_BYTES, length, this.#gathered.byteLength * 2));
      larger.set(this.#gathered.subarray(0, this.#length));
      this.#gathered = larger;
    }
    this.#gathered.set(chunk, this.#length);
    this.#length = length;
  }
}
