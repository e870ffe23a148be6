// What leaves a journal: nothing that either of an actor's two newest commits needs, and
// nothing that its sender may still ask for.
import { describe, expect, it } from "vitest";
import type { PriorityName } from "../../../src/actors/intent.ts";
import { CellError } from "../../../src/errors/cell-error.ts";
import { JournalTrimmer, neededUntil, type Trimmed } from "../../../src/runtime/durable/journal-trimmer.ts";
import { positionOf } from "../../../src/runtime/durable/records.ts";

type Covered = ReturnType<Trimmed["covers"]>;
class Actor implements Trimmed {
  readonly path: string;
  readonly shard: number;
  covered: Covered;
  readonly abandoned: number[] = [];
  constructor(path: string, covered: Covered, shard = 3) {
    this.path = path;
    this.covered = covered;
    this.shard = shard;
  }
  covers(_priority: PriorityName, _position: number): Covered {
    return this.covered;
  }
  abandon(position: number): void {
    this.abandoned.push(position);
  }
}

const HEAD = 90;
/** When what was noted may go. */
const OLD = 1_000;

function trimmer() {
  const marked: string[] = [];
  const trimmed: [shard: number, before: number][] = [];
  const repeated: string[] = [];
  const problems: unknown[] = [];
  const gone = new Set<Actor>();
  const broker = { answer: async () => {} };
  const trimmer = new JournalTrimmer<Actor>({
    stream: {
      trim: async (shard, before) => {
        await broker.answer();
        trimmed.push([shard, before]);
      },
    },
    marks: { note: async (name, { number }) => void marked.push(`${name} ${number}`) },
    headOf: () => ({ sequence: HEAD, number: HEAD / 10 }),
    repeat: async (actor) => {
      repeated.push(actor.path);
      actor.covered = "both";
    },
    isGone: (actor) => gone.has(actor),
    onProblem: (error) => problems.push(error),
  });
  const note = (actor: Actor, sequence: number, neededUntilUnixMs = OLD) => {
    const position = positionOf(sequence / 10, 0);
    trimmer.note({ actor, priority: "normal", position, sequence, neededUntilUnixMs });
  };
  return { trimmer, marked, trimmed, repeated, problems, gone, broker, note };
}

describe("the trimmer of journals", () => {
  it.each([
    { name: "of an actor whose two newest commits have it", covered: "both", trimmed: [[3, HEAD]] },
    { name: "of an actor that has not applied it", covered: "no", trimmed: [] },
  ] as const)("treats an entry $name as needed or not", async ({ covered, trimmed }) => {
    const it = trimmer();
    it.note(new Actor("a", covered), 50);
    await it.trimmer.sweep(OLD);
    expect(it.trimmed).toEqual(trimmed);
    expect(it.repeated).toEqual([]);
  });

  it("keeps what its sender may still ask for", async () => {
    const it = trimmer();
    const actor = new Actor("a", "both");
    it.note(actor, 50);
    it.note(actor, 60, OLD + 500);
    await it.trimmer.sweep(OLD - 1);
    expect(it.trimmed).toEqual([]);
    await it.trimmer.sweep(OLD);
    expect(it.trimmed).toEqual([[3, 60]]);
    expect(it.marked).toEqual(["t:3 6"]);
  });

  it("needs an entry until its capsule's deadline, by every clock of the cell, and a minute at most", () => {
    expect(neededUntil(10_000, 7_000)).toBe(15_000);
    expect(neededUntil(3_600_000, 7_000)).toBe(67_000);
  });

  it("goes no further than the first entry that is needed, whoever's it is", async () => {
    const it = trimmer();
    const slow = new Actor("slow", "no");
    for (const [actor, sequence] of [
      [new Actor("a", "both"), 50],
      [slow, 60],
      [new Actor("b", "both"), 70],
    ] as const)
      it.note(actor, sequence);
    await it.trimmer.sweep(OLD);
    expect(it.trimmed).toEqual([[3, 60]]);
    slow.covered = "both";
    await it.trimmer.sweep(OLD);
    expect(it.trimmed).toEqual([
      [3, 60],
      [3, HEAD],
    ]);
  });

  it("has an idle actor write its commit once more, and trims with the next sweep", async () => {
    const it = trimmer();
    it.note(new Actor("idle", "newest"), 50);
    await it.trimmer.sweep(OLD);
    expect(it.repeated).toEqual(["idle"]);
    expect(it.trimmed).toEqual([]);
    await it.trimmer.sweep(OLD);
    expect(it.trimmed).toEqual([[3, HEAD]]);
  });

  it("lets nothing wait for an actor that is in the graph no more", async () => {
    const it = trimmer();
    const actor = new Actor("gone", "no");
    it.gone.add(actor);
    it.note(actor, 50);
    await it.trimmer.sweep(OLD);
    expect(it.trimmed).toEqual([[3, HEAD]]);
    expect(actor.abandoned).toEqual([positionOf(5, 0)]);
  });

  it("tries again what the broker did not do", async () => {
    const it = trimmer();
    it.broker.answer = async () => {
      throw new CellError("BROKER_TIMEOUT");
    };
    it.note(new Actor("a", "both"), 50);
    await it.trimmer.sweep(OLD);
    expect(it.problems).toHaveLength(1);
    it.broker.answer = async () => {};
    await it.trimmer.sweep(OLD);
    expect(it.trimmed).toEqual([[3, HEAD]]);
  });

  it("forgets nothing that is needed when a sweep begins before the last one's answer came", async () => {
    const it = trimmer();
    const needed = new Actor("needed", "no");
    const answer = Promise.withResolvers<void>();
    it.broker.answer = () => answer.promise;
    it.note(new Actor("a", "both"), 50);
    it.note(needed, 60);
    it.note(new Actor("b", "both"), 70);
    const sweeps = [it.trimmer.sweep(OLD), it.trimmer.sweep(OLD)];
    answer.resolve();
    await Promise.all(sweeps);
    await it.trimmer.sweep(OLD);
    expect(it.trimmed).toEqual([[3, 60]]);
  });

  it("is what owners left that found no intent, up to what is newest or needed by now", async () => {
    const { trimmer: sweeper, trimmed, note } = trimmer();
    sweeper.noteEmpty(5);
    sweeper.noteEmpty(6);
    note(new Actor("a", "no", 6), 70);
    await sweeper.sweep(OLD);
    expect(trimmed).toEqual([
      [5, HEAD],
      [6, 70],
    ]);
    await sweeper.sweep(OLD);
    expect(trimmed).toHaveLength(2);
  });
});
