// What waits for an actor is given to each incarnation in the order of its places: whoever
// settles a place may say so of all below it.
import { expect, test } from "vitest";
import { testDelivery } from "../../../src/actors/testkit/test-delivery.ts";
import { type Unapplied, UnappliedIntents } from "../../../src/runtime/durable/unapplied.ts";

const at = (position: number, order: number): Unapplied => ({
  position,
  isKept: true,
  delivery: testDelivery({
    type: "go",
    payload: {},
    target: "a",
    nowUnixMs: 0,
    order,
    respond: () => undefined,
  }),
});

test("an intent that was journaled twice does not come before what lies between", () => {
  const all = new UnappliedIntents();
  for (const [position, order] of [
    [4096, 1],
    [8192, 2],
    [12_288, 1],
  ] as const)
    all.add(at(position, order));
  all.restart();
  const given: number[] = [];
  for (let entry = all.next(); entry !== undefined; entry = all.next()) {
    given.push(entry.position);
    all.give();
  }
  expect(given).toEqual([4096, 8192, 12_288]);
  all.applied({ critical: 0, high: 0, normal: 8192, low: 0 });
  expect(all.size).toBe(1);
});
