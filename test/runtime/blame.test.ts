import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { actorsToPark, type BlameOptions } from "../../src/runtime/blame.ts";
import type { Suspect } from "../../src/supervisor/cradle/process-spec.ts";
import { matrix, PARKED_AFTER } from "../../src/supervisor/matrix.ts";

const HOUR_MS = 3_600_000;
const NOW = 10 * HOUR_MS;
const death = (actor: string, agoMs: number, failure: Suspect["failure"] = "hang"): Suspect => ({
  actor,
  intent: String(agoMs),
  atUnixMs: NOW - agoMs,
  ...(failure === undefined ? {} : { failure }),
});
const times = (count: number, actor: string, everyMs = 1_000, failure?: Suspect["failure"]) =>
  Array.from({ length: count }, (_, at) => death(actor, (count - at) * everyMs, failure));
const park = (suspects: readonly Suspect[], changes: Partial<BlameOptions> = {}) =>
  actorsToPark({ suspects, matrix, nowUnixMs: NOW, freedAtUnixMs: () => undefined, ...changes }).map(
    ({ actor, deaths }) => [actor, deaths],
  );

describe("an actor whose code ends the process", () => {
  const { deaths: allowed, atOnceBeyond } = PARKED_AFTER;
  const outside: Suspect[] = times(20, "shop/a").map(({ failure: _, ...each }) => each);

  test.each<readonly [string, readonly Suspect[], readonly (readonly [string, number])[]]>([
    ["is not parked before its bound", times(allowed - 1, "shop/a"), []],
    ["is parked at it", times(allowed, "shop/a"), [["shop/a", allowed]]],
    ["is parked at it also when it takes its time", times(allowed, "shop/a", 600_000), [["shop/a", allowed]]],
    ["is not parked for deaths over an hour apart", times(allowed, "shop/a", 900_000), []],
    ["is not parked for what something outside did", outside, []],
    ["is parked for exhaustion", times(allowed, "shop/a", 1_000, "exhaustion"), [["shop/a", allowed]]],
    ["is not parked when it is the node's own", times(20, "kernel/a/fs"), []],
  ])("%s", (_what, suspects, parked) => {
    expect(park(suspects)).toEqual(parked);
  });

  test("counts anew once somebody has started it by hand", () => {
    const freedAtUnixMs = () => NOW - 2_500;
    expect(park(times(allowed + 2, "shop/a"), { freedAtUnixMs })).toEqual([]);
  });

  test("is parked at its first death once others have used up a minute's worth", () => {
    const before = Array.from({ length: atOnceBeyond }, (_, at) => death(`shop/a${at}`, 50_000 - at));
    expect(park(before)).toEqual([]);
    expect(park([...before, death("shop/z", 1_000)])).toEqual([["shop/z", 1]]);
    expect(park([...before, death("shop/z", -20_000)], { nowUnixMs: NOW + 20_000 })).toEqual([]);
  });

  test("is parked as the matrix says, not as the code does", () => {
    const { hang } = matrix.process;
    const rule = { ...hang, parkedAfter: { ...PARKED_AFTER, deaths: 2 } };
    const changed = { ...matrix, process: { ...matrix.process, hang: rule } };
    expect(park(times(2, "shop/a"), { matrix: changed })).toEqual([["shop/a", 2]]);
  });

  test("ends it at most so often, and once by each further actor, however many one sender has", () => {
    const actors = fc.array(fc.nat(40), { minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(actors, (sent) => {
        const parked = new Set<string>();
        const suspects: Suspect[] = [];
        for (const [at, actor] of sent.entries()) {
          const path = `shop/a${actor}`;
          if (parked.has(path)) continue;
          suspects.push(death(path, 50_000 - at * 100));
          for (const [each] of park(suspects)) parked.add(String(each));
        }
        const named = new Set(suspects.map((each) => each.actor));
        expect(suspects.length).toBeLessThanOrEqual(atOnceBeyond + named.size);
      }),
    );
  });
});
