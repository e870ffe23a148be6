import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../src/manifest/duration.ts";
import { formatSize, parseSize } from "../../src/manifest/size.ts";
import { editDistance, nearest } from "../../src/manifest/suggest.ts";

test.each([
  ["0ms", 0],
  ["250ms", 250],
  ["5s", 5000],
  ["1.5s", 1500],
  ["2m", 120_000],
  ["1h", 3_600_000],
  ["7d", 604_800_000],
])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(["", "5", "s", "5 s", "-5s", "05s", "5S", "1e3s", "5s5", "1.2345s", "999999999d"])(
  "%j is no duration",
  (text) => expect(parseDuration(text)).toBeUndefined(),
);

test.each([
  ["512B", 512],
  ["10KB", 10_000],
  ["64MiB", 67_108_864],
  ["1.5GiB", 1_610_612_736],
])("%s is %d bytes", (text, bytes) => expect(parseSize(text)).toBe(bytes));

test.each(["", "64", "64mb", "64 MiB", "-1KB", "1TB"])("%j is no size", (text) =>
  expect(parseSize(text)).toBeUndefined(),
);

test("a duration that is written out is read back the same", () => {
  fc.assert(fc.property(fc.nat({ max: 604_800_000 }), (ms) => parseDuration(formatDuration(ms)) === ms));
});

test("a size that is written out is read back the same", () => {
  fc.assert(fc.property(fc.nat({ max: 999_999_999 }), (bytes) => parseSize(formatSize(bytes)) === bytes));
});

test.each([
  ["mailbx", "mailbox"],
  ["actro", "actor"],
  ["Restart", "restart"],
  ["whenfull", "whenFull"],
])("%s was probably meant to be %s", (word, meant) => {
  expect(nearest(word, ["actor", "mailbox", "restart", "whenFull", "grants"])).toBe(meant);
});

test("a word that is like none of them gets no suggestion", () => {
  expect(nearest("zebra", ["actor", "mailbox"])).toBeUndefined();
});

test("the distance of words is symmetric, zero only for equal ones, and bounded by the longer", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});
