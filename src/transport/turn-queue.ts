// Spreads work that comes in bursts over turns of the event loop: what a burst of messages
// needs may take seconds, and a loop that does not turn for that long counts as stuck and
// is killed. What does not fit into a turn waits, in order, up to a bound; of one sender
// at most half of that, so that nobody shuts out the others.
import { InFlightMap } from "../collections/in-flight.ts";

export type TurnQueueOptions<T extends object> = {
  readonly work: (item: T) => void;
  readonly senderOf: (item: T) => string;
  readonly bytesOf: (item: T) => number;
  /** Calls it in the next turn. */
  readonly nextTurn?: (run: () => void) => void;
  readonly nowMs?: () => number;
};

/** Work of one turn; what is begun is finished. */
export const TURN_MS = 20;
export const MAX_WAITING = 8_192;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

export class TurnQueue<T extends object> {
  readonly #options: TurnQueueOptions<T>;
  readonly #nowMs: () => number;
  readonly #nextTurn: (run: () => void) => void;
  /** Those before `#at` are done. */
  #waiting: T[] = [];
  #at = 0;
  #waitingBytes = 0;
  readonly #bySender = new InFlightMap<string, number>();
  #spentMs = 0;
  #scheduled = false;
  #onEmpty: (() => void)[] = [];

  constructor(options: TurnQueueOptions<T>) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#nextTurn = options.nextTurn ?? ((run) => void setImmediate(run));
  }

  get size(): number {
    return this.#waiting.length - this.#at;
  }

  /** False: too much waits, and it was not taken. `work` must not throw. */
  add(item: T): boolean {
    this.#schedule();
    if (this.size === 0 && this.#spentMs < TURN_MS) {
      this.#do(item);
      return true;
    }
    const { senderOf, bytesOf } = this.#options;
    const sender = senderOf(item);
    const ofSender = this.#bySender.get(sender) ?? 0;
    const bytes = this.#waitingBytes + bytesOf(item);
    if (this.size >= MAX_WAITING || ofSender >= MAX_WAITING / 2 || bytes > MAX_WAITING_BYTES) return false;
    this.#waiting.push(item);
    this.#waitingBytes = bytes;
    this.#bySender.set(sender, ofSender + 1);
    return true;
  }

  /** Resolves when nothing waits. */
  async empty(): Promise<void> {
    if (this.size > 0) await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.#spentMs = 0;
    while (this.#spentMs < TURN_MS) {
      const item = this.#waiting[this.#at];
      if (item === undefined) break;
      this.#leaves(item);
      this.#do(item);
    }
    // Moved once a turn: what is left is bounded, and each move is of many.
    this.#waiting = this.#waiting.slice(this.#at);
    this.#at = 0;
    if (this.size > 0) this.#schedule();
    else for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  #leaves(item: T): void {
    this.#at += 1;
    const sender = this.#options.senderOf(item);
    const left = (this.#bySender.get(sender) ?? 1) - 1;
    if (left === 0) this.#bySender.delete(sender);
    else this.#bySender.set(sender, left);
    this.#waitingBytes -= this.#options.bytesOf(item);
  }

  #do(item: T): void {
    const beganMs = this.#nowMs();
    this.#options.work(item);
    this.#spentMs += this.#nowMs() - beganMs;
  }
}
