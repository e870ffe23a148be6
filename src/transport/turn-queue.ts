// Spreads work that comes in bursts over turns of the event loop: what a burst of messages
// needs may take seconds, and a loop that does not turn for that long counts as stuck and
// is killed. What does not fit into a turn waits, up to a bound: of each sender in order, and of
// the senders by turns, each for as long as the others (deficit round robin, Shreedhar and Varghese
// 1995, by time): who sends little waits for one piece of who sends much. Of what may wait nobody
// can take the whole. What waits of many senders can be worked ahead on meanwhile, elsewhere.
import { InFlightMap } from "../collections/in-flight.ts";

/**
 * Begins what makes the work on these short, and resolves when that is done, within a time of its own;
 * undefined: not worth it. Neither throws nor rejects.
 */
export type Ahead<T> = (items: readonly T[]) => Promise<void> | undefined;

export type TurnQueueOptions<T extends object> = {
  readonly work: (item: T) => void;
  readonly senderOf: (item: T) => string;
  readonly bytesOf: (item: T) => number;
  /** Items that it has are not worked on before it is done with them; those of others are, meanwhile. */
  readonly ahead?: Ahead<T>;
  /** Calls it in the next turn. */
  readonly nextTurn?: (run: () => void) => void;
  readonly nowMs?: () => number;
};

/** Work of one turn; what is begun is finished. What others ask meanwhile is read after it, and answered after another. */
export const TURN_MS = 2;
export const MAX_WAITING = 8_192;
export const MAX_WAITING_BYTES = 32 * 1024 * 1024;
/** Done items of a sender that are kept before the others are moved in their place. */
const MAX_DONE = 256;

/** Fewer senders than this are not worked ahead on: a flood of a few makes nobody wait for that. */
export const MIN_AHEAD = 16;
/** Items and bytes in one group that is worked ahead on, items of one sender in it, and groups at a time. */
const GROUP = { items: 256, bytes: 256 * 1024, ofSender: 4, atATime: 2 };

/** What a sender may use before it is the next one's turn; what he used beyond is taken off his next turns. */
const QUANTUM_MS = 0.25;

/** What waits of one sender; those before `at` are done, those before `offered` are or were worked ahead on. */
type Line<T> = { items: T[]; at: number; offered: number; bytes: number; leftMs: number };

/** A piece is done; or those who need not wait have to have time first; or all wait for what is worked ahead. */
type Found = "done" | "owing" | "ahead";

export class TurnQueue<T extends object> {
  readonly #options: TurnQueueOptions<T>;
  readonly #nowMs: () => number;
  readonly #nextTurn: (run: () => void) => void;
  /** Those that are worked ahead on just now. */
  readonly #ahead = new Set<T>();
  #groups = 0;
  /** By sender; whose turn it is comes first. */
  readonly #lines = new InFlightMap<string, Line<T>>();
  #size = 0;
  #bytes = 0;
  #spentMs = 0;
  #scheduled = false;
  #onEmpty: (() => void)[] = [];

  constructor(options: TurnQueueOptions<T>) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#nextTurn = options.nextTurn ?? ((run) => void setImmediate(run));
  }

  get size(): number {
    return this.#size;
  }

  /** False: too much waits, and it was not taken. `work` must not throw. */
  add(item: T): boolean {
    this.#schedule();
    if (this.#size === 0 && this.#spentMs < TURN_MS) {
      this.#do(item);
      return true;
    }
    const { senderOf, bytesOf } = this.#options;
    const sender = senderOf(item);
    const bytes = bytesOf(item);
    const known = this.#lines.get(sender);
    if (!this.#hasRoom(known, bytes)) return false;
    const line = known ?? { items: [], at: 0, offered: 0, bytes: 0, leftMs: QUANTUM_MS };
    if (known === undefined) this.#lines.set(sender, line);
    line.items.push(item);
    line.bytes += bytes;
    this.#size += 1;
    this.#bytes += bytes;
    return true;
  }

  /** Takes out all that waits of a sender; it is not done. */
  drop(sender: string): readonly T[] {
    const line = this.#lines.get(sender);
    if (line === undefined) return [];
    this.#lines.delete(sender);
    const dropped = line.items.slice(line.at);
    this.#size -= dropped.length;
    this.#bytes -= line.bytes;
    return dropped;
  }

  /** Resolves when nothing waits. */
  async empty(): Promise<void> {
    if (this.#size > 0) await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
  }

  /**
   * While less than half is used nobody is limited. From then on, of n senders, each may have one
   * part in n + 1, so that there is room for one that comes new.
   */
  #hasRoom(line: Line<T> | undefined, bytes: number): boolean {
    const parts = this.#lines.size + (line === undefined ? 2 : 1);
    const fits = (used: number, ofSender: number, bound: number) =>
      used <= bound && (2 * used <= bound || ofSender <= bound / parts);
    const waiting = line === undefined ? 0 : line.items.length - line.at;
    return (
      fits(this.#size + 1, waiting + 1, MAX_WAITING) &&
      fits(this.#bytes + bytes, (line?.bytes ?? 0) + bytes, MAX_WAITING_BYTES)
    );
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.#spentMs = 0;
    const beganMs = this.#nowMs();
    this.#workAhead();
    this.#spentMs += this.#nowMs() - beganMs;
    let found: Found = "done";
    const goesOn = () => found === "done" || (found === "owing" && this.#ahead.size === 0);
    while (this.#spentMs < TURN_MS && this.#size > 0 && goesOn()) found = this.#next();
    if (this.#size > 0 && found !== "ahead") this.#schedule();
    else if (this.#size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  /**
   * One piece of the sender whose turn it is, as long as he has time; then he has as much again, and comes last,
   * as who waits for what is worked ahead does. Each is looked at once.
   */
  #next(): Found {
    let found: Found = "ahead";
    for (let left = this.#lines.size; left > 0; left -= 1) {
      const [first] = this.#lines;
      if (first === undefined) return found;
      const [sender, line] = first;
      const item = line.items[line.at];
      const waits = item !== undefined && this.#ahead.has(item);
      if (!waits && line.leftMs > 0) {
        line.leftMs -= this.#do(this.#take(line));
        if (line.at === line.items.length) this.#lines.delete(sender);
        return "done";
      }
      if (!waits) {
        line.leftMs += QUANTUM_MS;
        found = "owing";
      }
      this.#lines.delete(sender);
      this.#lines.set(sender, line);
    }
    return found;
  }

  #workAhead(): void {
    const { ahead } = this.#options;
    if (ahead === undefined) return;
    while (this.#groups < GROUP.atATime && this.#lines.size >= MIN_AHEAD) {
      const group = this.#offer();
      const working = group.length < MIN_AHEAD ? undefined : ahead(group);
      if (working === undefined) return;
      this.#groups += 1;
      for (const item of group) this.#ahead.add(item);
      const done = () => {
        this.#groups -= 1;
        for (const item of group) this.#ahead.delete(item);
        this.#schedule();
      };
      working.then(done, done);
    }
  }

  /** A few of each sender, in the order in which their turns come; none when they are too few. */
  #offer(): readonly T[] {
    const group: T[] = [];
    const offered: [line: Line<T>, upTo: number][] = [];
    let bytes = 0;
    for (const [, line] of this.#lines) {
      const from = Math.max(line.at, line.offered);
      const some = line.items.slice(from, from + Math.min(GROUP.ofSender, GROUP.items - group.length));
      for (const item of some) bytes += this.#options.bytesOf(item);
      group.push(...some);
      offered.push([line, from + some.length]);
      if (group.length >= GROUP.items || bytes >= GROUP.bytes) break;
    }
    if (group.length < MIN_AHEAD) return [];
    for (const [line, upTo] of offered) line.offered = upTo;
    return group;
  }

  #take(line: Line<T>): T {
    const item = line.items[line.at];
    if (item === undefined) throw new Error("a sender of whom nothing waits has no line");
    const bytes = this.#options.bytesOf(item);
    line.at += 1;
    line.bytes -= bytes;
    this.#size -= 1;
    this.#bytes -= bytes;
    if (line.at >= MAX_DONE) {
      line.items = line.items.slice(line.at);
      line.offered -= line.at;
      line.at = 0;
    }
    return item;
  }

  /** @returns how long it took, in milliseconds */
  #do(item: T): number {
    const beganMs = this.#nowMs();
    this.#options.work(item);
    const tookMs = this.#nowMs() - beganMs;
    this.#spentMs += tookMs;
    return tookMs;
  }
}
