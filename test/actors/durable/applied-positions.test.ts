// Which positions of the journal a commit calls decided: never one that was not, in whatever order
// incarnations are given them, decide, commit and end.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AppliedPositions, NOTHING_APPLIED } from "../../../src/actors/durable/applied-positions.ts";

type Kept = { readonly applied: number; readonly ahead: readonly number[] };

class Incarnation {
  readonly #positions: AppliedPositions;

  constructor({ applied, ahead }: Kept = { applied: 0, ahead: [] }) {
    this.#positions = new AppliedPositions({ ...NOTHING_APPLIED, normal: applied }, { normal: ahead });
  }

  /** As a host does. False: it was decided, or waits. */
  deliver(position: number): boolean {
    this.#positions.came("normal", position);
    if (this.#positions.knows("normal", position)) return false;
    this.#positions.expect("normal", position);
    return true;
  }

  decide(position: number): void {
    this.#positions.settle("normal", position);
  }

  commit(): Kept {
    return { applied: this.#positions.applied().normal, ahead: this.#positions.ahead().normal ?? [] };
  }
}

describe("the positions that a commit calls decided", () => {
  test("are all up to the first that waits, and those ahead of it", () => {
    const actor = new Incarnation();
    for (const position of [3, 5, 9]) actor.deliver(position);
    actor.decide(5);
    expect(actor.commit()).toEqual({ applied: 0, ahead: [5] });
    actor.decide(3);
    expect(actor.commit()).toEqual({ applied: 5, ahead: [] });
    actor.decide(9);
    expect(actor.commit()).toEqual({ applied: 9, ahead: [] });
  });

  test("are none between two of which the later was decided by an incarnation before, until they came", () => {
    // Found by chaos, seed 107: one that its sender had sent twice was decided ahead, the process died, and the
    // next incarnation decided the first before the second came to it: that one was never begun.
    const first = new Incarnation();
    for (const position of [1, 2, 3, 4]) first.deliver(position);
    first.decide(4);
    const second = new Incarnation(first.commit());
    second.deliver(1);
    second.decide(1);
    expect(second.commit()).toEqual({ applied: 1, ahead: [4] });
    expect([2, 3, 4].map((position) => second.deliver(position))).toEqual([true, true, false]);
    second.decide(2);
    second.decide(3);
    expect(second.commit()).toEqual({ applied: 4, ahead: [] });
  });

  test("were decided, whenever incarnations end and in whatever order they are given and decide", () => {
    const act = fc.oneof(
      { weight: 4, arbitrary: fc.constant("deliver" as const) },
      { weight: 4, arbitrary: fc.nat(20) },
      { weight: 2, arbitrary: fc.constant("commit" as const) },
      { weight: 1, arbitrary: fc.constant("die" as const) },
    );
    fc.assert(
      fc.property(
        fc.array(act, { maxLength: 120, size: "max" }),
        fc.integer({ min: 1, max: 12 }),
        (acts, count) => {
          const journal = Array.from({ length: count }, (_, at) => 10 + 3 * at);
          let kept: Kept = { applied: 0, ahead: [] };
          /** By what is kept. */
          const decided = new Set<number>();
          let actor = new Incarnation(kept);
          let [given, waiting, deciding]: [number, number[], number[]] = [0, [], []];
          for (const each of [...acts, "commit" as const]) {
            if (each === "deliver") {
              const position = journal.filter((at) => at > kept.applied)[given];
              if (position === undefined) continue;
              given += 1;
              if (actor.deliver(position)) waiting.push(position);
            } else if (each === "commit") {
              kept = actor.commit();
              for (const position of deciding) decided.add(position);
              const called = journal.filter((at) => at <= kept.applied || kept.ahead.includes(at));
              expect(called.filter((position) => !decided.has(position))).toEqual([]);
              // What is left of the journal is counted from here.
              given = 0;
              [actor, waiting, deciding] = [new Incarnation(kept), [], []];
            } else if (each === "die") {
              [actor, given, waiting, deciding] = [new Incarnation(kept), 0, [], []];
            } else {
              const [position] = waiting.splice(each % Math.max(1, waiting.length), 1);
              if (position === undefined) continue;
              actor.decide(position);
              deciding.push(position);
            }
          }
        },
      ),
    );
  });
});
