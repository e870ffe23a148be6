// What the main thread leaves for the thread that watches it, in memory that both
// see: a beat that it raises while its loop turns, and what it has in hand. Raising
// and marking cost nanoseconds; nobody waits for anybody.
import { Buffer } from "node:buffer";

/** Name of the global that a main thread, held by the debugger, is asked by whose code it runs. */
export const IN_HAND = "cell0.inHand";

const BEAT = 0;
/** Odd while the text below is being written. */
const VERSION = 1;
const PATH_BYTES = 2;
const INTENT_BYTES = 3;
/** Odd while a long piece of the kernel's own work is under way. */
const LONG = 4;
const WORDS = 5;
const TEXT_AT = WORDS * 4;
/** A path has at most 8 tokens of 32; an id is 32 digits. */
const MAX_PATH = 288;
const MAX_INTENT = 64;

export const PULSE_BYTES = TEXT_AT + MAX_PATH + MAX_INTENT;

/** What an actor was handling; the intent is empty for an event of its own. */
export type InHand = { readonly actor: string; readonly intent: string };

export class Pulse {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #text: Buffer;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(PULSE_BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, WORDS);
    this.#text = Buffer.from(buffer, TEXT_AT);
  }

  beat(): void {
    Atomics.add(this.#words, BEAT, 1);
  }

  /** A beat within a turn of the loop; before the first one nobody watches. */
  progress(): void {
    if (this.beats() > 0) this.beat();
  }

  beats(): number {
    return Atomics.load(this.#words, BEAT);
  }

  beginLong(): void {
    Atomics.add(this.#words, LONG, 1);
  }

  endLong(): void {
    Atomics.add(this.#words, LONG, 1);
  }

  /** Names the long piece of work that is under way; undefined: none is. */
  long(): number | undefined {
    const count = Atomics.load(this.#words, LONG);
    return count % 2 === 0 ? undefined : count;
  }

  /** Rises with each piece of an actor's code that begins. */
  steps(): number {
    return Atomics.load(this.#words, VERSION);
  }

  /** @param intent id in hex; empty: an event of the actor's own */
  take(actor: string, intent: string): void {
    const words = this.#words;
    Atomics.add(words, VERSION, 1);
    words[PATH_BYTES] = this.#text.write(actor, 0, MAX_PATH, "latin1");
    words[INTENT_BYTES] = this.#text.write(intent, MAX_PATH, MAX_INTENT, "latin1");
    Atomics.add(words, VERSION, 1);
  }

  release(): void {
    Atomics.store(this.#words, PATH_BYTES, 0);
  }

  /** Undefined when nothing is in hand, or it is just changing. */
  inHand(): InHand | undefined {
    const words = this.#words;
    const version = Atomics.load(words, VERSION);
    const pathBytes = Atomics.load(words, PATH_BYTES);
    if (version % 2 !== 0 || pathBytes === 0) return undefined;
    const actor = this.#text.toString("latin1", 0, pathBytes);
    const intent = this.#text.toString("latin1", MAX_PATH, MAX_PATH + Atomics.load(words, INTENT_BYTES));
    return Atomics.load(words, VERSION) === version ? { actor, intent } : undefined;
  }
}
