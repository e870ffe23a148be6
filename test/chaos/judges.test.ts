import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { DeadLetterRecordSchema } from "../../src/gen/cell0/v1/deadletter_pb.ts";
import { SealedRecordSchema } from "../../src/gen/cell0/v1/durable_pb.ts";
import { EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { compare, numbersOf } from "./books.ts";
import { LetterJudge, POISONOUS } from "./letters.ts";
import { StartJudge } from "./starts.ts";
import { faultsOf, type Verdict } from "./verdict.ts";

describe("what one actor sent against what another took", () => {
  it.each([
    ["nothing in the same numbers", [1, 2, 3], [], [], []],
    ["a number that did not arrive", [1, 3], [2], [], []],
    ["a number that arrived twice", [1, 2, 2, 3], [], [2], []],
    ["a number that nobody sent", [1, 2, 9, 3], [], [9], []],
    ["a number that arrived behind a later one", [1, 3, 2], [], [], [2]],
  ])("finds %s", (_name, taken, lost, doubled, disordered) => {
    expect(compare([1, 2, 3], taken)).toEqual({ lost, doubled, disordered });
  });

  it("is told as runs", () => {
    expect(
      numbersOf([
        [1, 3],
        [2, 2],
      ]),
    ).toEqual([1, 2, 3, 2]);
  });
});

const idOf = (n: number) => new Uint8Array(16).fill(n);
const hexOf = (n: number) => `0${n}`.repeat(16);

describe("the judge of dead letters", () => {
  const letter = (judge: LetterJudge, id: number, intent: number) => {
    const value = { id: idOf(id), actor: "drill/t0", intent: { id: idOf(intent) } };
    const record = toBinary(
      DeadLetterRecordSchema,
      create(DeadLetterRecordSchema, { record: { case: "letter", value } }),
    );
    const data = toBinary(SealedRecordSchema, create(SealedRecordSchema, { record }));
    judge.letter({ subject: "deadletters", sequence: 1, data });
  };

  it("finds nothing in one letter of an intent whose sender was told, written twice", () => {
    const judge = new LetterJudge();
    letter(judge, 1, 7);
    letter(judge, 1, 7);
    judge.told(hexOf(7), "drill/t0", POISONOUS);
    expect([judge.count, judge.isComplete, judge.faults()]).toEqual([1, true, []]);
  });

  it.each<[string, (judge: LetterJudge) => void, RegExp]>([
    ["two letters of one intent", (judge) => letter(judge, 2, 7), /2 dead letters of the intent 0707/],
    [
      "a letter of an intent that was answered",
      (judge) => judge.told(hexOf(7), "drill/t0", "answered"),
      /0707\w+ was answered, and is a dead letter/,
    ],
    [
      "a sender that was told of a letter that is not there",
      (judge) => judge.told(hexOf(8), "drill/t1", POISONOUS),
      /drill\/t1: told that the intent 0808\w+ is poison, but there is no letter/,
    ],
  ])("finds %s", (_name, plant, fault) => {
    const judge = new LetterJudge();
    letter(judge, 1, 7);
    plant(judge);
    expect(judge.faults()).toEqual([expect.stringMatching(fault)]);
  });
});

describe("the judge of starts", () => {
  const judged = (...starts: readonly (readonly [event: number, term: number, activation: number])[]) => {
    const judge = new StartJudge();
    for (const [event, term, activation] of starts) {
      const incarnation = { term: BigInt(term), activation: BigInt(activation) };
      const kind = { case: "actorStarted", value: {} } as const;
      judge.take(create(EventSchema, { id: idOf(event), actor: "drill/t0", incarnation, kind }));
    }
    return judge;
  };

  it("finds nothing in incarnations that rise, and takes an event once", () => {
    const { starts, faults } = judged([1, 1, 1], [2, 1, 2], [2, 1, 2], [3, 2, 1]);
    expect([starts, faults]).toEqual([3, []]);
  });

  it.each([
    ["the same incarnation again", 1, 2],
    ["an earlier activation", 1, 1],
    ["an earlier term", 0, 9],
  ])("finds a start that bears %s", (_name, term, activation) => {
    expect(judged([1, 1, 2], [2, term, activation]).faults).toEqual([
      `drill/t0 was started as ${term}.${activation} after 1.2`,
    ]);
  });
});

describe("a verdict", () => {
  const sound: Verdict = {
    ...{ sent: 2, answered: 2, unanswered: 0, slowestMs: 1, forwarded: 1, fired: 1, letters: 1 },
    ...{
      records: 1,
      unseen: 0,
      lives: 1,
      starts: 1,
      lost: [],
      duplicated: [],
      disordered: [],
      silent: [],
      failed: {},
    },
    ...{ letterFaults: [], recordFaults: [], startFaults: [] },
  };

  it("speaks against nothing when nothing was found", () => {
    expect(faultsOf(sound, "durable")).toEqual([]);
  });

  it.each(["lost", "duplicated", "disordered", "silent", "letterFaults", "recordFaults", "startFaults"])(
    "speaks against a cell with %s",
    (kind) => {
      expect(faultsOf({ ...sound, [kind]: ["this"] }, "volatile")).toEqual([expect.stringMatching(/this$/)]);
    },
  );

  it.each(["answered", "records", "lives", "starts", "forwarded", "fired"])(
    "speaks against a judge that counted no %s",
    (kind) => {
      expect(faultsOf({ ...sound, [kind]: 0 }, "durable")).toHaveLength(1);
    },
  );
});
