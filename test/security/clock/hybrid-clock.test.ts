import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HybridClock, isLater, MAX_FOLLOWED_MS } from "../../../src/security/clock/hybrid-clock.ts";
import { codeOf, NOW } from "../cell-fixture.ts";

describe("a hybrid clock", () => {
  test("only moves forward, and never further ahead of real time than it may follow, whatever it observes", () => {
    const step = fc.record({
      advance: fc.integer({ min: -500, max: 500 }),
      remote: fc.option(
        fc.record({ ahead: fc.integer({ min: -9_000, max: 9_000 }), counter: fc.nat(0xffff_ffff) }),
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = NOW;
        let highest = NOW;
        let last = { unixMs: 0, counter: 0 };
        const clock = new HybridClock(() => now);
        for (const { advance, remote } of steps) {
          now += advance;
          highest = Math.max(highest, now);
          const seen = remote && { unixMs: now + remote.ahead, counter: remote.counter };
          const followed = seen === null ? false : clock.observe(seen).ok;
          if (seen !== null) expect(followed).toBe(seen.unixMs - now <= MAX_FOLLOWED_MS);
          const time = clock.tick();
          expect(isLater(time, last)).toBe(true);
          if (seen !== null && followed) expect(isLater(time, seen)).toBe(true);
          expect(time.unixMs - highest).toBeLessThanOrEqual(MAX_FOLLOWED_MS + steps.length);
          last = time;
        }
      }),
    );
  });

  test("refuses a remote time too far ahead, and stays as it was", () => {
    const clock = new HybridClock(() => NOW);
    expect(codeOf(clock.observe({ unixMs: NOW + 60_000, counter: 0 }))).toBe("CAPSULE_CLOCK_DRIFT");
    expect(codeOf(clock.observe({ unixMs: Number.NaN, counter: 0 }))).toBe("CAPSULE_CLOCK_DRIFT");
    expect(clock.tick()).toEqual({ unixMs: NOW, counter: 0 });
  });

  test("passes to the next millisecond when the counter is used up", () => {
    const clock = new HybridClock(() => NOW);
    clock.observe({ unixMs: NOW, counter: 0xffff_ffff });
    expect(clock.tick()).toEqual({ unixMs: NOW + 1, counter: 0 });
  });
});
