// Takes out of the journals what nobody needs any more: an entry goes when the actor's two
// newest commits have both applied it, so that one of them may be damaged, and when its
// sender cannot ask again. An actor that is idle writes its newest commit once more for that.

import type { PriorityName } from "../../actors/intent.ts";
import type { CellError } from "../../errors/cell-error.ts";
import { MAX_CLOCK_SKEW_MS } from "../../security/clock/clock-skew.ts";
import type { JournalStream } from "../../transport/durable/journal-stream.ts";
import type { DurableActor } from "./durable-actor.ts";
import { type Marks, NO_HASH, trimMark } from "./marks.ts";
import { recordOf } from "./records.ts";

/** What it asks of an actor. */
export type Trimmed = Pick<DurableActor, "path" | "shard" | "covers" | "abandon">;

export type TrimmerPorts<A extends Trimmed> = {
  readonly stream: Pick<JournalStream, "trim">;
  readonly marks: Pick<Marks, "note">;
  /** The shard's newest record, which stays. */
  readonly headOf: (shard: number) => { readonly sequence: number; readonly number: number } | undefined;
  /** Writes an actor's newest commit once more. */
  readonly repeat: (actor: A) => Promise<void>;
  /** It is in the graph no more. */
  readonly isGone: (actor: A) => boolean;
  readonly onProblem: (error: CellError) => void;
};

/** Longer than any capsule is fresh, whatever its deadline. */
const RETAIN_MS = 60_000;
/** A capsule may come again until its deadline: from then on intake refuses it, whichever clock of the cell's it goes by. */
export const neededUntil = (deadlineUnixMs: number, acceptedUnixMs: number): number =>
  Math.min(deadlineUnixMs + MAX_CLOCK_SKEW_MS, acceptedUnixMs + RETAIN_MS);

const REPEATS_A_SWEEP = 64;
const EMPTY_A_SWEEP = 64;

/** An entry of the journal. */
export type Noted<A> = {
  readonly actor: A;
  readonly priority: PriorityName;
  readonly position: number;
  /** Of its record in the stream. */
  readonly sequence: number;
  readonly neededUntilUnixMs: number;
};

export class JournalTrimmer<A extends Trimmed = DurableActor> {
  readonly #ports: TrimmerPorts<A>;
  readonly #byShard = new Map<number, Noted<A>[]>();
  /** Whose journals hold what their owners left when they began, and no intent. */
  readonly #empty = new Set<number>();
  #sweeping = false;

  constructor(ports: TrimmerPorts<A>) {
    this.#ports = ports;
  }

  /** In the order of positions. */
  note(noted: Noted<A>): void {
    const { shard } = noted.actor;
    const own = this.#byShard.get(shard);
    if (own === undefined) this.#byShard.set(shard, [noted]);
    else own.push(noted);
  }

  /** No intent lies in the shard's journal: what is before its newest record can go. */
  noteEmpty(shard: number): void {
    this.#empty.add(shard);
  }

  /** Does nothing while another one is under way: each counts what it has trimmed. */
  async sweep(nowUnixMs: number): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      await this.#sweep(nowUnixMs);
    } finally {
      this.#sweeping = false;
    }
  }

  async #sweep(nowUnixMs: number): Promise<void> {
    for (const [shard, noted] of this.#byShard) {
      const behind = new Set<A>();
      let done = 0;
      for (const { actor, priority, position, neededUntilUnixMs } of noted) {
        if (nowUnixMs < neededUntilUnixMs) break;
        const isGone = this.#ports.isGone(actor);
        const covered = isGone ? "both" : actor.covers(priority, position);
        if (covered === "newest" && behind.size < REPEATS_A_SWEEP) behind.add(actor);
        if (covered === "no") break;
        if (isGone) actor.abandon(position);
        if (covered === "both" && behind.size === 0) done += 1;
      }
      await this.#repeat(behind);
      if (done > 0) await this.#trim(shard, noted, done);
      if (noted.length === 0) this.#byShard.delete(shard);
    }
    for (const shard of [...this.#empty].slice(0, EMPTY_A_SWEEP)) {
      this.#empty.delete(shard);
      await this.#trim(shard, this.#byShard.get(shard) ?? [], 0);
    }
  }

  async #repeat(behind: ReadonlySet<A>): Promise<void> {
    for (const actor of behind) {
      try {
        await this.#ports.repeat(actor);
      } catch (error) {
        this.#ports.onProblem(error as CellError);
      }
    }
  }

  async #trim(shard: number, noted: Noted<A>[], done: number): Promise<void> {
    const next = noted[done];
    const before =
      next === undefined
        ? this.#ports.headOf(shard)
        : { sequence: next.sequence, number: recordOf(next.position) };
    if (before === undefined) return;
    try {
      await this.#ports.marks.note(trimMark(shard), { number: before.number, hash: NO_HASH });
      await this.#ports.stream.trim(shard, before.sequence);
      noted.splice(0, done);
    } catch (error) {
      this.#ports.onProblem(error as CellError);
    }
  }
}
