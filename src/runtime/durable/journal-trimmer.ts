// Takes out of the journals what nobody needs any more: an entry goes when the actor's two
// newest commits have both applied it, so that one of them may be damaged, and when it is
// old enough that its sender does not ask again. An actor that is idle writes its newest
// commit once more for that.

import type { PriorityName } from "../../actors/intent.ts";
import type { CellError } from "../../errors/cell-error.ts";
import type { JournalStream } from "../../transport/durable/journal-stream.ts";
import type { DurableActor } from "./durable-actor.ts";
import { sequenceOf } from "./records.ts";

export type TrimmerPorts = {
  readonly stream: Pick<JournalStream, "trim">;
  /** Sequence of the shard's newest record, which stays. */
  readonly headOf: (shard: number) => number | undefined;
  /** Writes an actor's newest commit once more. */
  readonly repeat: (actor: DurableActor) => Promise<void>;
  /** It is in the graph no more. */
  readonly isGone: (actor: DurableActor) => boolean;
  readonly onProblem: (error: CellError) => void;
};

/** Longer than any capsule is fresh, so that what comes again is found. */
const RETAIN_MS = 60_000;
const REPEATS_A_SWEEP = 64;

type Noted = {
  readonly actor: DurableActor;
  readonly priority: PriorityName;
  readonly position: number;
  readonly atUnixMs: number;
};

export class JournalTrimmer {
  readonly #ports: TrimmerPorts;
  readonly #retainMs: number;
  readonly #byShard = new Map<number, Noted[]>();

  constructor(ports: TrimmerPorts, retainMs: number = RETAIN_MS) {
    this.#ports = ports;
    this.#retainMs = retainMs;
  }

  /** In the order of positions. */
  note(actor: DurableActor, priority: PriorityName, position: number, atUnixMs: number): void {
    const own = this.#byShard.get(actor.shard);
    const noted = { actor, priority, position, atUnixMs };
    if (own === undefined) this.#byShard.set(actor.shard, [noted]);
    else own.push(noted);
  }

  async sweep(nowUnixMs: number): Promise<void> {
    for (const [shard, noted] of this.#byShard) {
      const behind = new Set<DurableActor>();
      let done = 0;
      for (const { actor, priority, position, atUnixMs } of noted) {
        if (nowUnixMs - atUnixMs < this.#retainMs) break;
        const covered = this.#ports.isGone(actor) ? "both" : actor.covers(priority, position);
        if (covered === "newest" && behind.size < REPEATS_A_SWEEP) behind.add(actor);
        if (covered === "no") break;
        if (covered === "both" && behind.size === 0) done += 1;
      }
      await this.#repeat(behind);
      if (done > 0) await this.#trim(shard, noted, done);
      if (noted.length === 0) this.#byShard.delete(shard);
    }
  }

  async #repeat(behind: ReadonlySet<DurableActor>): Promise<void> {
    for (const actor of behind) {
      try {
        await this.#ports.repeat(actor);
      } catch (error) {
        this.#ports.onProblem(error as CellError);
      }
    }
  }

  async #trim(shard: number, noted: Noted[], done: number): Promise<void> {
    const next = noted[done];
    const before = next === undefined ? this.#ports.headOf(shard) : sequenceOf(next.position);
    if (before === undefined) return;
    try {
      await this.#ports.stream.trim(shard, before);
      noted.splice(0, done);
    } catch (error) {
      this.#ports.onProblem(error as CellError);
    }
  }
}
