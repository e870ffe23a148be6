import fc from "fast-check";
import { expect, test } from "vitest";
import { ReplayQueue } from "../../src/runtime/replay-queue.ts";
import {
  MAX_RECORD_BYTES,
  type ReplayRecord,
  readReplayRecords,
} from "../../src/security/replay/replay-record.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const named = { issuer: bytes(32), id: bytes(16) };
const count = fc.nat(0xffff_ffff);
const record: fc.Arbitrary<ReplayRecord> = fc.oneof(
  fc.record({
    kind: fc.constant("accepted" as const),
    ...named,
    hash: bytes(32),
    untilUnixMs: fc.maxSafeNat(),
    silent: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("replied" as const),
    ...named,
    index: count,
    reply: fc.uint8Array({ maxLength: 8_000 }),
  }),
  fc.record({ kind: fc.constant("answered" as const), ...named, replies: count }),
);
const read = (queue: ReplayQueue) => readReplayRecords(Buffer.from(queue.take()));
const plain = (records: readonly ReplayRecord[] | undefined) =>
  records?.map((each) =>
    Object.fromEntries(
      Object.entries(each).map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value]),
    ),
  );

test("what is added is read back, turn by turn, whatever was in the buffer before", () => {
  const queue = new ReplayQueue();
  fc.assert(
    fc.property(fc.array(record, { maxLength: 40 }), (records) => {
      for (const each of records) expect(queue.add(each)).toBe(true);
      expect(queue.isEmpty).toBe(records.length === 0);
      expect(plain(read(queue))).toEqual(plain(records));
      expect(queue.isEmpty).toBe(true);
    }),
  );
});

test("a record that fits into no file is left out, and harms none beside it", () => {
  const queue = new ReplayQueue();
  const name = { issuer: new Uint8Array(32), id: new Uint8Array(16) };
  const answered = { kind: "answered", ...name, replies: 1 } as const;
  const huge = { kind: "replied", ...name, index: 0, reply: new Uint8Array(MAX_RECORD_BYTES) } as const;
  expect(queue.add(answered)).toBe(true);
  expect(queue.add(huge)).toBe(false);
  expect(queue.add({ ...answered, id: new Uint8Array(15) })).toBe(false);
  expect(queue.add({ ...answered, issuer: new Uint8Array() })).toBe(false);
  expect(read(queue)).toHaveLength(1);
});
