import { expect, test } from "vitest";
import { perSecond } from "../../src/collections/per-second.ts";

test("what happens is counted for each and in all, and begins anew with each second", () => {
  const may = perSecond({ all: 5, each: 3 });
  const tries = (owner: string, nowMs: number, counts: readonly number[]) =>
    counts.map((count) => may(owner, nowMs, count));
  expect(tries("a", 1_000, [1, 2, 1])).toEqual([true, true, false]);
  // What is refused is not counted.
  expect(tries("b", 1_999, [3, 2, 1])).toEqual([false, true, false]);
  expect(tries("b", 2_000, [3])).toEqual([true]);
});
