import { describe, expect, it } from "vitest";
import { FloodWatch, MAX_TURNED_AWAY } from "../../src/transport/flood-watch.ts";

describe("what is turned away", () => {
  it("is borne up to a bound a second, and a second later up to that again", () => {
    const watch = new FloodWatch();
    for (const nowMs of [0, 1_000, 2_500])
      for (let n = 1; n < MAX_TURNED_AWAY; n += 1)
        if (watch.turnedAway("ann", 0, nowMs).length > 0) throw new Error(`not borne: ${n} at ${nowMs}`);
    expect(watch.turnedAway("ann", 0, 2_999)).toEqual(["ann"]);
    expect(watch.turnedAway("ann", 0, 2_999)).toEqual([]);
  });

  it("is laid to all who have a part in it that counts, and to nobody who has not", () => {
    const watch = new FloodWatch();
    let flooders: readonly string[] = [];
    for (let n = 0; flooders.length === 0; n += 1) {
      const sender = n % 100 === 0 ? "ann" : `mallory-${n % 16}`;
      flooders = watch.turnedAway(sender, 0, 0);
    }
    expect(flooders.toSorted()).toEqual(Array.from({ length: 16 }, (_, n) => `mallory-${n}`).toSorted());
  });

  it("is laid to whoever comes when nobody has such a part in it", () => {
    const watch = new FloodWatch();
    const named: (readonly string[])[] = [];
    for (let n = 0; n < MAX_TURNED_AWAY; n += 1) named.push(watch.turnedAway(`s${n % 1_000}`, 0, 0));
    expect(named.filter(({ length }) => length > 0)).toEqual([[`s${(MAX_TURNED_AWAY - 1) % 1_000}`]]);
  });

  it("counts by bytes too", () => {
    const watch = new FloodWatch();
    const flooders = Array.from({ length: 4 }, () => watch.turnedAway("mallory", 1024 * 1024, 0));
    expect(flooders.flat()).toEqual(["mallory"]);
  });
});
