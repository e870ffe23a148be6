import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  CommitRecordSchema,
  JournalRecordSchema,
  SealedRecordSchema,
} from "../../src/gen/cell0/v1/durable_pb.ts";
import { sha256 } from "../../src/security/bytes.ts";
import { CommitJudge } from "./commits.ts";

type Commit = {
  number: number;
  term: number;
  activation: number;
  previous?: Uint8Array;
  state?: string;
  repeated?: boolean;
};

/** As a host writes it. */
const stateOf = ({
  life = "one",
  waiting = [],
  applied = 0,
  outbox = 0,
  taken = 0,
}: {
  life?: string;
  waiting?: string[];
  applied?: number;
  outbox?: number;
  taken?: number;
}): string =>
  JSON.stringify({
    host: {
      machine: { machine: { context: { life } }, timers: [] },
      events: waiting.map((each) => ({ event: { type: "arrived", life: each } })),
    },
    applied: { normal: applied },
    sources: { "drill/f0 normal": taken },
    outboxSequence: outbox,
  });

const bytesOf = ({
  number,
  term,
  activation,
  previous = new Uint8Array(),
  state = "{}",
  repeated = false,
}: Commit): Uint8Array =>
  toBinary(
    CommitRecordSchema,
    create(CommitRecordSchema, {
      actor: "drill/t0",
      number: BigInt(number),
      incarnation: { term: BigInt(term), activation: BigInt(activation) },
      previousHash: previous,
      state: new TextEncoder().encode(state),
      repeated,
    }),
  );

/** Each chained to the one before, unless it says otherwise. */
function judged(commits: readonly Commit[]): readonly string[] {
  const judge = new CommitJudge();
  let previous = new Uint8Array();
  for (const [at, commit] of commits.entries()) {
    const record = bytesOf({ previous, ...commit });
    previous = new Uint8Array(sha256(record));
    const data = toBinary(SealedRecordSchema, create(SealedRecordSchema, { record }));
    judge.state({ subject: "state.t0", sequence: at + 1, data });
  }
  return judge.faults;
}

const KEPT = { applied: 9, outbox: 5, taken: 7 };
const first: Commit = {
  number: 1,
  term: 1,
  activation: 1,
  state: stateOf(KEPT),
};

describe("the judge of commits", () => {
  it("finds nothing in numbers and incarnations that rise, each chained to the one before", () => {
    expect(
      judged([first, { number: 2, term: 1, activation: 1 }, { number: 3, term: 2, activation: 1 }]),
    ).toEqual([]);
  });

  it.each<[string, Commit, RegExp]>([
    ["two commits with one number", { number: 1, term: 1, activation: 1, state: "[]" }, /two with number 1/],
    ["a number that falls", { number: 0, term: 1, activation: 1 }, /number 0 after 1/],
    ["a term that falls", { number: 2, term: 0, activation: 9 }, /incarnation 0.9 after 1.1/],
    ["an activation that falls", { number: 2, term: 1, activation: 0 }, /incarnation 1.0 after 1.1/],
    [
      "a life that begins under the incarnation of the one before",
      { number: 2, term: 1, activation: 1, state: stateOf({ ...KEPT, life: "two" }) },
      /life two began as 1\.1, the one before as 1\.1/,
    ],
    [
      "an applied position that falls",
      { number: 2, term: 1, activation: 1, state: stateOf({ ...KEPT, applied: 8 }) },
      /applied normal 8 after 9/,
    ],
    [
      "a place in the outbox that falls",
      { number: 2, term: 1, activation: 1, state: stateOf({ ...KEPT, outbox: 4 }) },
      /place in the outbox 4 after 5/,
    ],
    [
      "a place of a source that falls",
      { number: 2, term: 1, activation: 1, state: stateOf({ ...KEPT, taken: 6 }) },
      /taken of drill\/f0 normal 6 after 7/,
    ],
    [
      "a record that is not chained to the one before",
      { number: 2, term: 1, activation: 1, previous: new Uint8Array(32) },
      /not chained/,
    ],
  ])("finds %s", (_name, second, fault) => {
    expect(judged([first, second])).toEqual([expect.stringMatching(fault)]);
  });

  it("finds a life that comes back after another has begun", () => {
    expect(
      judged([
        { number: 1, term: 1, activation: 1, state: stateOf({ life: "one" }) },
        // The state of the life before, written again under the new incarnation.
        { number: 2, term: 1, activation: 2, state: stateOf({ life: "one" }) },
        { number: 3, term: 1, activation: 2, state: stateOf({ life: "two" }) },
        { number: 4, term: 1, activation: 3, state: stateOf({ life: "one" }) },
      ]),
    ).toEqual([expect.stringMatching(/life one again, after two had begun/)]);
  });

  it("takes a life of which only the next owner's repetition was seen for one that began before (seed 101)", () => {
    const claimed = { number: 2, term: 2, activation: 1, state: stateOf({ life: "two" }) };
    const then = { number: 3, term: 2, activation: 1, state: stateOf({ life: "three" }) };
    const one = { number: 1, term: 1, activation: 1, state: stateOf({ life: "one" }) };
    expect(judged([one, { ...claimed, repeated: true }, then])).toEqual([]);
    expect(judged([one, claimed, then])).toEqual([expect.stringMatching(/life three began as 2\.1/)]);
  });

  it("takes a life that was first seen after records that were missed for one that began in those (seed 107)", () => {
    const one = { number: 1, term: 1, activation: 1, state: stateOf({ life: "one" }) };
    const written = { number: 7, term: 2, activation: 2, state: stateOf({ life: "two" }) };
    const then = { number: 8, term: 2, activation: 2, state: stateOf({ life: "three" }) };
    expect(judged([one, written, then])).toEqual([]);
    const next = { number: 9, term: 2, activation: 2, state: stateOf({ life: "four" }) };
    expect(judged([one, written, then, next])).toEqual([expect.stringMatching(/life four began as 2\.2/)]);
  });

  it("takes a life whose word the next incarnation decides for one that began where that word waited (seed 108)", () => {
    const one = { number: 1, term: 1, activation: 1, state: stateOf({ life: "one" }) };
    const heard = { number: 2, term: 2, activation: 1, state: stateOf({ life: "one", waiting: ["two"] }) };
    const two = { number: 3, term: 2, activation: 2, state: stateOf({ life: "two", waiting: ["three"] }) };
    const three = { number: 4, term: 2, activation: 2, state: stateOf({ life: "three" }) };
    expect(judged([one, heard, two, three])).toEqual([]);
    // Decided in the wrong order.
    const wrong = { number: 3, term: 2, activation: 2, state: stateOf({ life: "three", waiting: ["two"] }) };
    const late = { number: 4, term: 2, activation: 2, state: stateOf({ life: "two" }) };
    expect(judged([one, heard, wrong, late])).toEqual([
      expect.stringMatching(/life two began as 2\.1, the one before as 2\.2/),
    ]);
  });

  it("counts lives, and records that it never saw", () => {
    const judge = new CommitJudge();
    const tell = (sequence: number, commit: Commit) => {
      const data = toBinary(SealedRecordSchema, create(SealedRecordSchema, { record: bytesOf(commit) }));
      judge.state({ subject: "state.t0", sequence, data });
    };
    tell(1, { number: 1, term: 1, activation: 1, state: stateOf({ life: "one" }) });
    tell(9, { number: 5, term: 2, activation: 1, state: stateOf({ life: "two" }) });
    expect([judge.lives, judge.unseen, judge.faults]).toEqual([2, 3, []]);
  });

  it("takes a message that it is told twice once", () => {
    const judge = new CommitJudge();
    const data = toBinary(SealedRecordSchema, create(SealedRecordSchema, { record: bytesOf(first) }));
    judge.state({ subject: "state.t0", sequence: 5, data });
    judge.state({ subject: "state.t0", sequence: 5, data });
    expect({ records: judge.records, faults: judge.faults }).toEqual({ records: 1, faults: [] });
  });

  it("holds journals of shards to the same rules", () => {
    const judge = new CommitJudge();
    const journal = (number: number, term: number) => {
      const record = toBinary(
        JournalRecordSchema,
        create(JournalRecordSchema, { shard: 3, number: BigInt(number), term: BigInt(term) }),
      );
      return toBinary(SealedRecordSchema, create(SealedRecordSchema, { record }));
    };
    judge.journal({ subject: "journal.3", sequence: 1, data: journal(4, 2) });
    judge.journal({ subject: "journal.3", sequence: 2, data: journal(6, 1) });
    expect(judge.faults).toEqual([
      expect.stringMatching(/journal of shard 3, sequence 2: incarnation 1.0 after 2.0/),
    ]);
  });
});
