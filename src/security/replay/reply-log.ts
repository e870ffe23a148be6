// Replies one behind the other in large blocks of bytes, those to one capsule linked in
// their order. Nothing is taken out again: all of it goes when its capsules are forgotten.
import { copyOf } from "../bytes.ts";

/** Names a reply in its log; 0 names none. */
export type ReplyPlace = number;

/** Of what comes before each reply: the place of the next one, and its length. */
const HEAD_BYTES = 8;
const FIRST_BLOCK_BYTES = 4_096;
const BLOCK_BYTES = 256 * 1024;

export class ReplyLog {
  readonly #blocks: DataView<ArrayBuffer>[] = [];
  #used = 0;

  /** @param after the reply before it, to the same capsule; 0: it is the first */
  append(reply: Uint8Array, after: ReplyPlace): ReplyPlace {
    const needed = HEAD_BYTES + reply.length;
    let block = this.#blocks.at(-1);
    if (block === undefined || this.#used + needed > block.byteLength) {
      const usual = Math.min(BLOCK_BYTES, FIRST_BLOCK_BYTES * 2 ** this.#blocks.length);
      block = new DataView(new ArrayBuffer(Math.max(usual, needed)));
      this.#blocks.push(block);
      this.#used = 0;
    }
    const place = (this.#blocks.length - 1) * BLOCK_BYTES + this.#used + 1;
    block.setUint32(this.#used + 4, reply.length);
    new Uint8Array(block.buffer).set(reply, this.#used + HEAD_BYTES);
    if (after !== 0) {
      const before = this.#find(after);
      before.block.setUint32(before.at, place);
    }
    this.#used += needed;
    // What lies beyond a block's usual size holds one reply alone: no place in it is beyond that size.
    if (this.#used > BLOCK_BYTES) this.#used = block.byteLength;
    return place;
  }

  /** Copies of a reply and of those that follow it. */
  read(first: ReplyPlace): readonly Uint8Array[] {
    const replies: Uint8Array[] = [];
    for (let place = first; place !== 0; ) {
      const { block, at } = this.#find(place);
      const bytes = new Uint8Array(block.buffer, at + HEAD_BYTES, block.getUint32(at + 4));
      replies.push(copyOf(bytes));
      place = block.getUint32(at);
    }
    return replies;
  }

  #find(place: ReplyPlace): { readonly block: DataView<ArrayBuffer>; readonly at: number } {
    const block = this.#blocks[Math.floor((place - 1) / BLOCK_BYTES)];
    if (block === undefined) throw new RangeError(`no reply is kept at ${place}`);
    return { block, at: (place - 1) % BLOCK_BYTES };
  }
}
