// What was accepted for one actor and is in none of its commits yet, in the order of the
// journal. It outlives the actor's incarnations: each new one is given all of it again.
import type { DurableState } from "../../actors/durable/ports.ts";
import type { Delivery, PriorityName } from "../../actors/intent.ts";
import { InFlightMap } from "../../collections/in-flight.ts";

export type Unapplied = {
  readonly position: number;
  readonly delivery: Delivery;
  /** Its record is in the journal; until then only who was awake when it got its place is given it. */
  isKept: boolean;
};

type Applied = DurableState["applied"];

export class UnappliedIntents {
  /**
   * By place, in order. One intent may have two, when its sender died before it had committed that
   * the first was taken: the host settles either, and lower places never come after higher ones.
   */
  readonly #all = new InFlightMap<number, Unapplied>();
  /** What the present incarnation has not been given. */
  #ungiven: Unapplied[] = [];

  get size(): number {
    return this.#all.size;
  }

  get ungiven(): number {
    return this.#ungiven.length;
  }

  add(entry: Unapplied): void {
    this.#all.set(entry.position, entry);
    this.#ungiven.push(entry);
  }

  /** The next one for this incarnation; it stays here until it is applied. */
  next(): Unapplied | undefined {
    return this.#ungiven[0];
  }

  give(): void {
    this.#ungiven.shift();
  }

  /** The one that was given last was not taken. */
  takeBack(entry: Unapplied): void {
    this.#ungiven.unshift(entry);
  }

  /** A new incarnation begins with the first of them. */
  restart(): void {
    this.#ungiven = [...this.#all.values()];
  }

  /** Takes away one that is never to be begun. */
  remove(entry: Unapplied): void {
    this.#all.delete(entry.position);
    this.#ungiven = this.#ungiven.filter((each) => each !== entry);
  }

  at(position: number): Unapplied | undefined {
    return this.#all.get(position);
  }

  /** Takes away what a commit has applied. */
  applied(applied: Applied): void {
    for (const [position, { delivery }] of this.#all) {
      if (isApplied(applied, delivery.intent.priority, position)) this.#all.delete(position);
    }
  }
}

/** One cursor a priority: a later intent of high priority never makes an earlier low one look applied. */
export const isApplied = (applied: Applied, priority: PriorityName, position: number): boolean =>
  position <= applied[priority];
