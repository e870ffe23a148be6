import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffDelayMs } from "../../src/supervisor/backoff.ts";
import { addRestart, emptyWindow, putOff, type RestartWindow } from "../../src/supervisor/restart-window.ts";

const limits = fc.record({
  intensity: fc.integer({ min: 0, max: 6 }),
  periodMs: fc.integer({ min: 1, max: 1_000 }),
});

test("no period ever holds more than `intensity` restarts", () => {
  fc.assert(
    fc.property(limits, fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 60 }), (limit, gaps) => {
      let window: RestartWindow = emptyWindow;
      let nowMs = 0;
      const restarts: number[] = [];
      for (const gap of gaps) {
        nowMs += gap;
        const added = addRestart(window, "x", nowMs, limit);
        window = added.window;
        if (added.allowed) restarts.push(nowMs);
      }
      for (const from of restarts) {
        const within = restarts.filter((at) => at >= from && at <= from + limit.periodMs);
        expect(within.length).toBeLessThanOrEqual(limit.intensity);
      }
      expect(window.length).toBeLessThanOrEqual(limit.intensity);
    }),
  );
});

test("a restart is refused only when the period is really full", () => {
  fc.assert(
    fc.property(limits, fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 60 }), (limit, gaps) => {
      let window: RestartWindow = emptyWindow;
      let nowMs = 0;
      const restarts: number[] = [];
      for (const gap of gaps) {
        nowMs += gap;
        const { allowed, window: next } = addRestart(window, "x", nowMs, limit);
        const recent = restarts.filter((at) => nowMs - at <= limit.periodMs).length;
        expect(allowed).toBe(recent < limit.intensity);
        if (allowed) restarts.push(nowMs);
        window = next;
      }
    }),
  );
});

test.each([
  ["exactly one period apart", 1, [0, 5_000], [true, false]],
  ["just more than a period apart", 1, [0, 5_001], [true, true]],
  ["with intensity 0", 0, [0], [false]],
  ["three at once with intensity 2", 2, [7, 7, 7], [true, true, false]],
] as const)("restarts %s", (_, intensity, times, allowed) => {
  let window: RestartWindow = emptyWindow;
  const outcomes = times.map((at) => {
    const added = addRestart(window, "x", at, { intensity, periodMs: 5_000 });
    window = added.window;
    return added.allowed;
  });
  expect(outcomes).toEqual(allowed);
});

test("waiting out a backoff ages the waiting child's restarts not at all, others' as ever", () => {
  const window = [
    { key: "x", atMs: 0 },
    { key: "y", atMs: 10 },
    { key: "x", atMs: 20 },
  ];
  expect(putOff(window, "x", 100)).toEqual([
    { key: "y", atMs: 10 },
    { key: "x", atMs: 100 },
    { key: "x", atMs: 120 },
  ]);
  expect(putOff(window, "z", 100)).toBe(window);
});

test("a backoff lies between 0 and its ceiling, which grows to its maximum", () => {
  const backoff = fc.record({
    initialMs: fc.integer({ min: 1, max: 1_000 }),
    maxMs: fc.integer({ min: 1_000, max: 60_000 }),
    factor: fc.double({ min: 1, max: 4, noNaN: true }),
  });
  const random = fc.double({ min: 0, max: 0.999_999, noNaN: true });
  fc.assert(
    fc.property(backoff, fc.integer({ min: 0, max: 5_000 }), random, (given, attempt, drawn) => {
      const delay = backoffDelayMs(given, attempt, drawn);
      expect(Number.isInteger(delay)).toBe(true);
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(Math.min(given.maxMs, given.initialMs * given.factor ** attempt));
    }),
  );
  expect(backoffDelayMs({ initialMs: 0, maxMs: 10, factor: 2 }, 3, 0.5)).toBe(0);
  expect(
    [0, 1, 2, 9].map((k) => backoffDelayMs({ initialMs: 100, maxMs: 1_000, factor: 2 }, k, 0.999_999)),
  ).toEqual([100, 200, 400, 1_000]);
});
