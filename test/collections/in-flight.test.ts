// They are what Map and Set are, in the same order, however often they are begun anew.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InFlightMap, InFlightSet } from "../../src/collections/in-flight.ts";

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("set" as const), key: fc.nat(40), value: fc.nat() }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("delete" as const), key: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const) }) },
);

describe("an in-flight map", () => {
  it("holds what a Map holds, in its order, over thousands of changes", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
        const own = new InFlightMap<number, number>();
        const model = new Map<number, number>();
        for (let round = 0; round < 20; round += 1) {
          for (const each of steps) {
            if (each.kind === "set") {
              own.set(each.key, each.value + round);
              model.set(each.key, each.value + round);
            } else if (each.kind === "delete") expect(own.delete(each.key)).toBe(model.delete(each.key));
            else if (round % 5 === 0) {
              own.clear();
              model.clear();
            }
          }
          expect([...own]).toEqual([...model]);
          expect([own.size, [...own.keys()], [...own.values()]]).toEqual([
            model.size,
            [...model.keys()],
            [...model.values()],
          ]);
          for (let key = 0; key <= 40; key += 1) {
            expect([own.has(key), own.get(key)]).toEqual([model.has(key), model.get(key)]);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it("goes on over what was there when it is begun anew within an iteration", () => {
    const own = new InFlightMap<number, number>();
    for (let key = 0; key < 10; key += 1) own.set(key, key);
    const seen: number[] = [];
    for (const [key] of own) {
      seen.push(key);
      if (key === 0) for (let added = 0; added < 1_000; added += 1) own.set(100, added);
    }
    expect(seen.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([own.size, own.get(100)]).toEqual([11, 999]);
  });
});

describe("an in-flight set", () => {
  it("holds each member once, in the order in which they came", () => {
    const own = new InFlightSet([3, 1, 3]);
    for (let turn = 0; turn < 1_000; turn += 1) own.add(turn % 2);
    expect([[...own], [...own.values()], own.size, own.has(3)]).toEqual([[3, 1, 0], [3, 1, 0], 3, true]);
    expect([own.delete(1), own.delete(1), [...own]]).toEqual([true, false, [3, 0]]);
    own.clear();
    expect(own.size).toBe(0);
  });
});
