import { describe, expect, it } from "vitest";
import { Exclusions, FIRST_MS, LONGEST_MS, MAX_EXCLUDED } from "../../../src/transport/broker/exclusions.ts";

describe("who is kept out", () => {
  it("is so until its time is over, and nobody else", () => {
    const exclusions = new Exclusions();
    expect(exclusions.exclude("mallory", 5)).toBe(FIRST_MS);
    const at = [5, 5 + FIRST_MS - 1, 5 + FIRST_MS];
    expect(at.map((now) => exclusions.isExcluded("mallory", now))).toEqual([true, true, false]);
    expect(exclusions.isExcluded("ann", 5)).toBe(false);
  });

  it("is so for twice as long each time that it comes back to it, up to a bound", () => {
    const exclusions = new Exclusions();
    let now = 0;
    const times = Array.from({ length: 7 }, () => {
      const ms = exclusions.exclude("mallory", now);
      now += ms + 1_000;
      return ms / FIRST_MS;
    });
    expect(times).toEqual([1, 2, 4, 8, 16, LONGEST_MS / FIRST_MS, LONGEST_MS / FIRST_MS]);
  });

  it("is so no longer for being told of again meanwhile", () => {
    const exclusions = new Exclusions();
    exclusions.exclude("mallory", 0);
    expect(exclusions.exclude("mallory", 4_000)).toBe(FIRST_MS - 4_000);
    expect(exclusions.isExcluded("mallory", FIRST_MS)).toBe(false);
  });

  it("begins anew after it was calm for as long", () => {
    const exclusions = new Exclusions();
    exclusions.exclude("mallory", 0);
    expect(exclusions.exclude("mallory", 2 * FIRST_MS - 1)).toBe(2 * FIRST_MS);
    const end = 4 * FIRST_MS - 1;
    expect(exclusions.exclude("mallory", end + 2 * FIRST_MS)).toBe(FIRST_MS);
  });

  it("is forgotten only for others that came after it", () => {
    const exclusions = new Exclusions();
    for (let n = 0; n <= MAX_EXCLUDED; n += 1) exclusions.exclude(`client-${n}`, n);
    const names = ["client-0", "client-1", `client-${MAX_EXCLUDED}`];
    expect(names.map((name) => exclusions.isExcluded(name, MAX_EXCLUDED))).toEqual([false, true, true]);
  });
});
