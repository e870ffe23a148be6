import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  CommitRecordSchema,
  JournalRecordSchema,
  SealedRecordSchema,
} from "../../src/gen/cell0/v1/durable_pb.ts";
import { sha256 } from "../../src/security/bytes.ts";
import { CommitJudge } from "./commits.ts";

type Commit = { number: number; term: number; activation: number; previous?: Uint8Array; state?: string };

const bytesOf = ({
  number,
  term,
  activation,
  previous = new Uint8Array(),
  state = "{}",
}: Commit): Uint8Array =>
  toBinary(
    CommitRecordSchema,
    create(CommitRecordSchema, {
      actor: "drill/t0",
      number: BigInt(number),
      incarnation: { term: BigInt(term), activation: BigInt(activation) },
      previousHash: previous,
      state: new TextEncoder().encode(state),
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

const first: Commit = { number: 1, term: 1, activation: 1 };

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
      "a record that is not chained to the one before",
      { number: 2, term: 1, activation: 1, previous: new Uint8Array(32) },
      /not chained/,
    ],
  ])("finds %s", (_name, second, fault) => {
    expect(judged([first, second])).toEqual([expect.stringMatching(fault)]);
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
