// What leaves an actor's side, in order: gathered over a turn and sent at its end
// behind the state that it led to, so that no answer is ever ahead of the state.
import type { fromActorFrame } from "../messages.ts";

export type Write = (bytes: Uint8Array) => void;
type Kind = Parameters<typeof fromActorFrame>[0];

export class Outbox {
  readonly #encode: typeof fromActorFrame;
  readonly #write: Write;
  #waiting: Uint8Array[] = [];
  #held = true;

  constructor(encode: typeof fromActorFrame, write: Write) {
    this.#encode = encode;
    this.#write = write;
  }

  /** Sent with the next flush. */
  push(kind: Kind): void {
    this.#waiting.push(this.#encode(kind));
  }

  /** Ahead of all that waits. */
  pushFirst(kind: Kind): void {
    this.#waiting.unshift(this.#encode(kind));
  }

  /** Until now nothing was sent: the actor was not up. */
  open(): void {
    this.#held = false;
  }

  flush(): void {
    if (this.#held || this.#waiting.length === 0) return;
    const frames = this.#waiting;
    this.#waiting = [];
    const [first] = frames;
    this.#write(frames.length === 1 && first !== undefined ? first : new Uint8Array(Buffer.concat(frames)));
  }
}
