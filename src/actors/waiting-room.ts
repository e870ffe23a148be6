// Where intents wait for room in a full mailbox, under `whenFull: block`. Its own
// bound holds, and no sender may take more than half of it, so that one who floods
// never shuts out all others. What waits here is not yet in the mailbox.

import { InFlightMap } from "../collections/in-flight.ts";
import type { PriorityName } from "./intent.ts";
import { Mailbox } from "./mailbox.ts";

/** Places, however large the mailbox is. */
const MAX_ROOM = 1_000;

/** What it asks of an entry: who sent it. */
export type Waiter = { readonly sender: string; readonly priority: PriorityName };

export class WaitingRoom<T> {
  readonly #waiterOf: (item: T) => Waiter;
  /** Made with the first that waits: most actors never need one. */
  #queue: Mailbox<T> | undefined;
  #bySender: InFlightMap<string, number> | undefined;
  #places: number;

  /** @param mailboxBound as many as the mailbox holds may wait here, at most 1,000 */
  constructor(mailboxBound: number, waiterOf: (item: T) => Waiter) {
    this.#waiterOf = waiterOf;
    this.#places = placesFor(mailboxBound);
  }

  get size(): number {
    return this.#queue?.size ?? 0;
  }

  /** A smaller bound holds for what comes; who waits stays. */
  configure(mailboxBound: number): void {
    this.#places = placesFor(mailboxBound);
    this.#queue?.configure({ bound: this.#places, whenFull: "refuse" });
  }

  /** Whether this sender would be turned away. */
  isFullFor(sender: string): boolean {
    const own = this.#bySender?.get(sender) ?? 0;
    return this.size >= this.#places || own >= Math.ceil(this.#places / 2);
  }

  /** False: there is no place. */
  put(item: T): boolean {
    const { sender, priority } = this.#waiterOf(item);
    if (this.isFullFor(sender)) return false;
    this.#queue ??= new Mailbox<T>({ bound: this.#places, whenFull: "refuse" });
    this.#queue.put(item, priority);
    this.#bySender ??= new InFlightMap();
    this.#bySender.set(sender, (this.#bySender.get(sender) ?? 0) + 1);
    return true;
  }

  /** In order within a priority. */
  take(): T | undefined {
    const item = this.#queue?.take();
    if (item !== undefined) this.#left(item);
    return item;
  }

  /** Removes and returns everything that `keep` refuses. */
  sweep(keep: (item: T) => boolean): T[] {
    const out = this.#queue?.sweep(keep) ?? [];
    for (const item of out) this.#left(item);
    return out;
  }

  #left(item: T): void {
    const { sender } = this.#waiterOf(item);
    const left = (this.#bySender?.get(sender) ?? 1) - 1;
    if (left <= 0) this.#bySender?.delete(sender);
    else this.#bySender?.set(sender, left);
  }
}

const placesFor = (mailboxBound: number): number => Math.min(mailboxBound, MAX_ROOM);
