import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KnownChains } from "../../../src/security/capability/known-chains.ts";
import { rootChain } from "./token-fixture.ts";

const chain = rootChain();
/** All that are held of some holders and names. */
const held = (known: KnownChains, holders: readonly string[], names: readonly string[]) =>
  holders.flatMap((holder) =>
    names.filter((name) => known.get(holder, name) !== undefined).map((name) => `${holder} ${name}`),
  );

describe("chains that are known to be sound", () => {
  test("are known to their holder alone", () => {
    const known = new KnownChains();
    known.keep("ann", "a", chain, 10);
    expect(known.get("ann", "a")).toBe(chain);
    expect(known.get("bob", "a")).toBeUndefined();
  });

  test("of one holder make room for each other, the one used last staying longest", () => {
    const known = new KnownChains({ all: 1_000, each: 20 });
    for (const name of ["a", "b"]) known.keep("ann", name, chain, 10);
    known.get("ann", "a");
    known.keep("bob", "x", chain, 10);
    known.keep("ann", "c", chain, 10);
    expect(held(known, ["ann", "bob"], ["a", "b", "c", "x"])).toEqual(["ann a", "ann c", "bob x"]);
  });

  test("of all holders make room by who has used none for longest", () => {
    const known = new KnownChains({ all: 30, each: 20 });
    for (const holder of ["ann", "bob", "cyd"]) known.keep(holder, "a", chain, 10);
    known.get("ann", "a");
    known.keep("dan", "a", chain, 10);
    expect(held(known, ["ann", "bob", "cyd", "dan"], ["a"])).toEqual(["ann a", "cyd a", "dan a"]);
  });

  test("kept again, or larger than a holder's share, take no more for it", () => {
    const known = new KnownChains({ all: 1_000, each: 20 });
    for (let n = 0; n < 5; n += 1) known.keep("ann", "a", chain, 10);
    known.keep("ann", "b", chain, 10);
    known.keep("ann", "large", chain, 21);
    expect(held(known, ["ann"], ["a", "b", "large"])).toEqual(["ann a", "ann b"]);
  });

  test("never take more than their bounds", () => {
    const kept = fc.array(
      fc.record({
        holder: fc.constantFrom("a", "b", "c"),
        name: fc.uuid(),
        bytes: fc.integer({ min: 1, max: 30 }),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(kept, (all) => {
        const known = new KnownChains({ all: 50, each: 25 });
        for (const { holder, name, bytes } of all) known.keep(holder, name, chain, bytes);
        const left = all.filter(({ holder, name }) => known.get(holder, name) !== undefined);
        const last = all.at(-1);
        if (last !== undefined && last.bytes <= 25) expect(left).toContain(last);
        const sum = (of: typeof left) => of.reduce((total, { bytes }) => total + bytes, 0);
        expect(sum(left)).toBeLessThanOrEqual(50);
        for (const each of ["a", "b", "c"])
          expect(sum(left.filter(({ holder }) => holder === each))).toBeLessThanOrEqual(25);
      }),
    );
  });
});
