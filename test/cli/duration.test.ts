import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatLatency,
  formatTime,
  formatUptime,
  parseDuration,
} from "../../src/cli/duration.ts";

describe("durations", () => {
  it.each([
    ["250ms", 250],
    ["5s", 5_000],
    ["1.5h", 5_400_000],
    ["90d", 7_776_000_000],
  ])("%s is %i ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["5", "s", "-1s", "1 s", "1w", "", "0ms", "9999d"])("%j is none", (text) => {
    expect(() => parseDuration(text)).toThrow();
  });

  it.each([
    [-5, "0s"],
    [59_999, "59s"],
    [60_000, "1m00s"],
    [250_000, "4m10s"],
    [11_100_000, "3h05m"],
    [187_200_000, "2d04h"],
  ])("%i ms of uptime read %s", (ms, text) => {
    expect(formatUptime(ms)).toBe(text);
  });

  it("of any uptime take at most eight columns within ten years", () => {
    fc.assert(fc.property(fc.nat(3_650 * 86_400_000), (ms) => formatUptime(ms).length <= 8));
  });

  it("of latencies and sizes have three significant figures or so", () => {
    expect([0.4217, 12.345, 999.96, 1_840].map(formatLatency)).toEqual([
      "0.42 ms",
      "12.3 ms",
      "1000.0 ms",
      "1.84 s",
    ]);
    expect([0, 1_023, 1_024, 10 * 1_024, 5.5 * 1_024 ** 3].map(formatBytes)).toEqual([
      "0 B",
      "1023 B",
      "1.0 KiB",
      "10 KiB",
      "5.5 GiB",
    ]);
    expect(formatTime(Date.UTC(2026, 10, 23, 9, 5, 7))).toBe("2026-11-23 09:05:07");
  });
});
