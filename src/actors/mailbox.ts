// A bounded queue of intents in four priorities. Higher ones go first by
// weight, so that none starves; within one priority the order is kept.
import type { WhenFull } from "../manifest/graph.ts";
import type { PriorityName } from "./intent.ts";

const PRIORITIES = ["critical", "high", "normal", "low"] as const;
/** Of 15 intents in a row, how many a priority gets while all of them wait. */
const WEIGHTS: Readonly<Record<PriorityName, number>> = { critical: 8, high: 4, normal: 2, low: 1 };

export type MailboxOptions = { readonly bound: number; readonly whenFull: WhenFull };

export type Put<T> =
  | { readonly kind: "queued"; readonly dropped: T | undefined }
  | { readonly kind: "refused" };

/** A queue whose head moves, so that taking is constant time. */
class Lane<T> {
  readonly weight: number;
  credit = 0;
  #items: (T | undefined)[] = [];
  #head = 0;

  constructor(weight: number) {
    this.weight = weight;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    // What was taken is not to live as long as the array.
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length || this.#head > 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Removes what `keep` refuses; returns it. */
  sweep(keep: (item: T) => boolean): T[] {
    const out: T[] = [];
    const rest: T[] = [];
    for (const item of this.#items.slice(this.#head)) {
      if (item !== undefined) (keep(item) ? rest : out).push(item);
    }
    this.#items = rest;
    this.#head = 0;
    return out;
  }
}

export class Mailbox<T> {
  #options: MailboxOptions;
  #lanes: readonly Lane<T>[] | undefined;
  #size = 0;

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /** A smaller bound holds for what comes; what is queued stays. */
  configure(options: MailboxOptions): void {
    this.#options = options;
  }

  /** Whether it holds as many as it may. */
  get isFull(): boolean {
    return this.#size >= this.#options.bound;
  }

  /** Whether an intent of this priority would be refused. */
  isFullFor(priority: PriorityName): boolean {
    return this.#size >= this.#options.bound && this.#victimLane(priority) === undefined;
  }

  put(item: T, priority: PriorityName): Put<T> {
    let dropped: T | undefined;
    if (this.#size >= this.#options.bound) {
      const victim = this.#victimLane(priority);
      if (victim === undefined) return { kind: "refused" };
      dropped = victim.shift();
      this.#size -= 1;
    }
    this.putAnyway(item, priority);
    return { kind: "queued", dropped };
  }

  /** Whatever the bound: for what was taken before. */
  putAnyway(item: T, priority: PriorityName): void {
    this.#laneOf(priority).push(item);
    this.#size += 1;
  }

  take(): T | undefined {
    if (this.#size === 0 || this.#lanes === undefined) return undefined;
    const lane = this.#nextLane(this.#lanes);
    if (lane === undefined) return undefined;
    lane.credit -= 1;
    this.#size -= 1;
    return lane.shift();
  }

  /** Removes and returns everything that `keep` refuses. */
  sweep(keep: (item: T) => boolean): T[] {
    const out = (this.#lanes ?? []).flatMap((lane) => lane.sweep(keep));
    this.#size -= out.length;
    return out;
  }

  #nextLane(lanes: readonly Lane<T>[]): Lane<T> | undefined {
    const withCredit = lanes.find((lane) => lane.size > 0 && lane.credit > 0);
    if (withCredit !== undefined) return withCredit;
    for (const lane of lanes) lane.credit = lane.weight;
    return lanes.find((lane) => lane.size > 0);
  }

  /** What makes room: the lowest priority that waits, unless it is above the newcomer's. */
  #victimLane(priority: PriorityName): Lane<T> | undefined {
    if (this.#options.whenFull !== "drop_oldest") return undefined;
    const lowestAllowed = PRIORITIES.indexOf(priority);
    return this.#lanes?.findLast((lane, index) => index >= lowestAllowed && lane.size > 0);
  }

  #laneOf(priority: PriorityName): Lane<T> {
    // Idle actors are many: lanes are made with the first intent.
    this.#lanes ??= PRIORITIES.map((name) => new Lane<T>(WEIGHTS[name]));
    const lane = this.#lanes[PRIORITIES.indexOf(priority)];
    if (lane === undefined) throw new RangeError(`no such priority: ${priority}`);
    return lane;
  }
}
