// What is written by hand is what protobuf-es makes of the same values, byte for byte:
// records that another version signed and hashed stay what they were.
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CommitRecordSchema, JournalRecordSchema } from "../../../src/gen/cell0/v1/durable_pb.ts";
import { stateIn } from "../../../src/runtime/durable/own-commits.ts";
import {
  decodeCommitRecord,
  encodeCommitRecord,
  encodeJournalRecord,
} from "../../../src/runtime/durable/records.ts";

const number = fc.oneof(fc.constant(0), fc.nat(300), fc.maxSafeNat());
const bytes = fc.uint8Array({ maxLength: 200 });
const text = fc.string({ unit: "binary", maxLength: 100 });
const head = {
  shard: fc.nat(255),
  number,
  previousHash: fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ minLength: 32, maxLength: 32 })),
  writtenUnixMs: number,
};
const entry = fc.record({ capsule: bytes, issuer: bytes, principal: text, authority: text });
const address = fc.oneof(fc.constant(null), fc.dictionary(text, text), fc.array(text));

test("a journal record comes to the bytes that protobuf-es makes of it", () => {
  const entries = fc.array(fc.tuple(entry, address), { maxLength: 5 });
  fc.assert(
    fc.property(fc.record({ ...head, term: number }), entries, (record, written) => {
      const ours = encodeJournalRecord({
        ...record,
        entries: written.map(([each, returnAddress]) => ({ ...each, returnAddress })),
      });
      const theirs = create(JournalRecordSchema, {
        ...record,
        term: BigInt(record.term),
        number: BigInt(record.number),
        writtenUnixMs: BigInt(record.writtenUnixMs),
        entries: written.map(([each, returnAddress]) => ({
          ...each,
          returnAddress: new TextEncoder().encode(JSON.stringify(returnAddress)),
        })),
      });
      expect(Buffer.from(ours)).toEqual(Buffer.from(toBinary(JournalRecordSchema, theirs)));
    }),
  );
});

test("a commit comes to the bytes that protobuf-es makes of it", () => {
  const incarnation = fc.record({ term: number, activation: number });
  const record = fc.record({ ...head, actor: text, incarnation, repeated: fc.boolean() });
  fc.assert(
    fc.property(record, bytes, (each, state) => {
      const theirs = create(CommitRecordSchema, {
        ...each,
        number: BigInt(each.number),
        writtenUnixMs: BigInt(each.writtenUnixMs),
        incarnation: {
          term: BigInt(each.incarnation.term),
          activation: BigInt(each.incarnation.activation),
        },
        state,
      });
      expect(Buffer.from(encodeCommitRecord(each, state))).toEqual(
        Buffer.from(toBinary(CommitRecordSchema, theirs)),
      );
    }),
  );
});

test("what an actor keeps under names that need an escape comes back as it was, whatever was read before", () => {
  const zero = { critical: 0, high: 0, normal: 0, low: 0 };
  for (const host of [
    { "~": 0, "\\": 0 },
    { "~": 0, "\n": 0 },
  ]) {
    const kept = { format: 1, codeHash: "", host, applied: zero, sources: {}, outboxSequence: 0 };
    const state = new TextEncoder().encode(JSON.stringify({ ...kept, outbox: [], replies: [] }));
    const place = { number: 1, incarnation: { term: 1, activation: 1 } };
    expect(stateIn({ ...place, state }).host).toEqual(host);
    const record = { actor: "a/b", shard: 1, ...place, writtenUnixMs: 1, repeated: false };
    const bytes = encodeCommitRecord({ ...record, previousHash: new Uint8Array() }, state);
    expect(decodeCommitRecord(bytes)).toMatchObject({ ok: true, value: { state: { host } } });
  }
});
