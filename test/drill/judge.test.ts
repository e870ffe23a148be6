import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge, type Keeps, type Ledger } from "../../src/drill/judge.ts";
import type { Outcome, Sent } from "../../src/drill/load.ts";

const sent = (n: number, outcome: Outcome): Sent => ({ n, dueMs: n, endedMs: n + 1, outcome });
const answered = (n: number, life = "now") => sent(n, { kind: "answered", life });
const failed = (n: number, code: string) => sent(n, { kind: "failed", code });
const ledger = (...applied: readonly (readonly [number, number])[]): Ledger => ({ life: "now", applied });
const KEEPS: readonly Keeps[] = ["everything", "snapshot", "rollback", "process", "nothing"];

describe("the judge of a drill", () => {
  it.each(KEEPS)("finds nothing when every answered intent is there once (keeps %s)", (keeps) => {
    expect(judge([answered(1), answered(2)], ledger([1, 2]), keeps)).toEqual({
      lost: [],
      unanswered: [],
      duplicated: [],
      rolledBack: 0,
      failed: {},
    });
  });

  it.each(KEEPS)("calls lost what the present life answered and does not have (keeps %s)", (keeps) => {
    expect(judge([answered(1), answered(2)], ledger([1, 1]), keeps).lost).toEqual([2]);
  });

  it.each(KEEPS)("calls doubled what is there twice (keeps %s)", (keeps) => {
    expect(judge([answered(1), answered(2)], ledger([1, 2], [2, 2]), keeps).duplicated).toEqual([2]);
  });

  it.each(KEEPS)("calls doubled what is there though it was said not to have begun (keeps %s)", (keeps) => {
    expect(judge([failed(1, "ACTOR_NOT_RUNNING")], ledger([1, 1]), keeps).duplicated).toEqual([1]);
  });

  it.each([
    ["everything", { lost: [1], rolledBack: 0 }],
    ["snapshot", { lost: [1], rolledBack: 0 }],
    ["rollback", { lost: [], rolledBack: 1 }],
    ["process", { lost: [], rolledBack: 1 }],
    ["nothing", { lost: [], rolledBack: 1 }],
  ] as const)(
    "what an earlier life answered may be missing only where state may go back (keeps %s)",
    (keeps, expected) => {
      expect(judge([answered(1, "before")], ledger(), keeps)).toMatchObject(expected);
    },
  );

  it("calls lost what an earlier life of the same process answered, where only processes forget", () => {
    const now = { life: "12.b", applied: [] };
    expect(judge([answered(1, "12.a"), answered(2, "11.a")], now, "process")).toMatchObject({
      lost: [1],
      rolledBack: 1,
    });
  });

  it.each([
    ["everything", [1]],
    ["snapshot", [1]],
    ["rollback", []],
    ["process", []],
    ["nothing", []],
  ] as const)(
    "an intent that nobody answered counts where an answer is promised (keeps %s)",
    (keeps, unanswered) => {
      expect(judge([failed(1, "ACTOR_DEADLINE_EXCEEDED")], ledger(), keeps)).toMatchObject({
        unanswered,
        lost: [],
      });
    },
  );

  it("an intent that was applied and whose answer was lost on the way is neither lost nor doubled", () => {
    const verdict = judge([failed(1, "ACTOR_CRASHED")], ledger([1, 1]), "everything");
    expect(verdict).toMatchObject({ lost: [], duplicated: [], failed: { ACTOR_CRASHED: 1 } });
  });

  it.each(["everything", "snapshot", "nothing"] as const)(
    "numbers from before the ledger was emptied are doubled: the actor went back behind it (keeps %s)",
    (keeps) => {
      expect(judge([answered(7)], ledger([3, 4], [7, 7]), keeps).duplicated).toEqual([3, 4]);
    },
  );

  it("an actor that cannot be asked has lost all that it answered", () => {
    expect(judge([answered(1, "x"), answered(2, "x")], { life: "", applied: [] }, "everything").lost).toEqual(
      [1, 2],
    );
  });

  it("never misses one lost or doubled intent among many", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.nat(),
        fc.boolean(),
        fc.constantFrom(...KEEPS),
        (count, at, doubles, keeps) => {
          const culprit = at % count;
          const all = Array.from({ length: count }, (_, n) => answered(n));
          const applied: [number, number][] = doubles
            ? [
                [0, count - 1],
                [culprit, culprit],
              ]
            : all.flatMap(({ n }): [number, number][] => (n === culprit ? [] : [[n, n]]));
          const { lost, duplicated } = judge(all, ledger(...applied), keeps);
          expect({ lost, duplicated }).toEqual(
            doubles ? { lost: [], duplicated: [culprit] } : { lost: [culprit], duplicated: [] },
          );
        },
      ),
    );
  });
});
