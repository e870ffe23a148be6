// The record of what was used of tokens with limits: old ones are read, and the largest one has room.
import { expect, test } from "vitest";
import {
  MAX_RECORD_BYTES,
  MAX_ROWS,
  readRecord,
  writeRecord,
} from "../../src/transport/streams/counted-record.ts";

const HASH = "ab".repeat(32);
/** A broker counts what is expected of the stream too. */
const HEADERS_BYTES = 256;
const LAST_MS = 99_999_999_999_999;

test("a record is read as it was written", () => {
  const tallies = ["", ".agents", ".cost", ".cpu", ".memory", ".storage"].map((limit, used) => ({
    ...{ token: `${HASH}${limit}`, used, notAfterUnixMs: 5 },
  }));
  expect(readRecord(writeRecord(tallies))).toEqual(tallies);
});

test("one from before there were other limits than calls and agents is read", () => {
  const rows = [
    [HASH, 3, 1_700_000_000_000],
    [`${HASH}.agents`, 1, 1_700_000_000_000],
  ];
  const record = Buffer.from(JSON.stringify({ nonce: "00".repeat(16), tallies: rows }));
  expect(readRecord(record)).toEqual(
    rows.map(([token, used, notAfterUnixMs]) => ({ token, used, notAfterUnixMs })),
  );
});

test("the largest one fits", () => {
  const row = { token: `${HASH}.storage`, used: Number.MAX_SAFE_INTEGER, notAfterUnixMs: LAST_MS };
  const record = writeRecord(Array.from({ length: MAX_ROWS }, () => row));
  expect(record.length).toBeLessThanOrEqual(MAX_RECORD_BYTES - HEADERS_BYTES);
  expect(readRecord(record)).toHaveLength(MAX_ROWS);
});

test.each([
  ["of a limit that is not known here", { nonce: "", tallies: [[`${HASH}.disk`, 1, 1]] }],
  ["with a field more", { nonce: "", tallies: [], version: 2 }],
  ["with less than nothing used", { nonce: "", tallies: [[HASH, -1, 1]] }],
  ["of too many rows", { nonce: "", tallies: Array.from({ length: MAX_ROWS + 1 }, () => [HASH, 1, 1]) }],
])("one %s is none", (_what, record) => {
  expect(readRecord(Buffer.from(JSON.stringify(record)))).toBeUndefined();
});
