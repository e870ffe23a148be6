import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/actors/testkit/seeded-random.ts";
import { EVERYTHING, type Kill, kills } from "./plan.ts";
import { runChaos } from "./run.ts";

const SEED = 20_260_923;
const BROKEN = join(import.meta.dirname, "behaviours", "broken.ts");

describe("chaos", () => {
  it("kills the same things at the same moments by the same seed, and others by another", () => {
    const first = (seed: number): readonly Kill[] => {
      const plan = kills(seededRandom(seed), EVERYTHING);
      return Array.from({ length: 200 }, () => plan.next().value);
    };
    expect(first(SEED)).toEqual(first(SEED));
    expect(first(SEED)).not.toEqual(first(SEED + 1));
    expect(new Set(first(SEED).map(({ kind }) => kind)).size).toBeGreaterThan(8);
  });

  it("loses nothing and doubles nothing in ten seconds of kills under load", {
    timeout: 180_000,
  }, async () => {
    const report = await runChaos({ ms: 10_000, seed: SEED, everyMs: 150 });
    expect(report.faults, `seed ${SEED}, its kills: ${report.trace}`).toEqual([]);
    expect(report.verdict.answered).toBeGreaterThan(100);
    expect(Object.values(report.kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5);
  });

  it("finds out actors that apply, take and fire twice, not at all, or out of order", {
    timeout: 180_000,
  }, async () => {
    const { verdict, faults, directory, trace } = await runChaos({
      ms: 4_000,
      seed: SEED,
      modules: { target: BROKEN, courier: BROKEN },
      weights: { throw: 1 },
      settleMs: 2_000,
    });
    // What it found is meant to be there: nobody needs what leads back to it.
    for (const each of [directory, dirname(trace)]) await rm(each, { recursive: true, force: true });
    const about = (stories: readonly string[], of: RegExp) => stories.filter((story) => of.test(story));
    for (const of of [/^drill\/t\d/, /^drill\/f\d to /, /^drill\/c\d/]) {
      expect(about(verdict.lost, of), `lost by ${of}`).not.toEqual([]);
      expect(about(verdict.duplicated, of), `doubled by ${of}`).not.toEqual([]);
    }
    expect(verdict.disordered).not.toEqual([]);
    expect(faults.length).toBeGreaterThan(0);
  });

  it("says how it is used, and refuses what it does not know", () => {
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, [join(import.meta.dirname, "chaos.ts"), ...args], { encoding: "utf8" });
    expect(run("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("--seed") });
    expect(run("--sed", "1")).toMatchObject({ status: 2, stderr: expect.stringContaining("Usage:") });
    expect(run("--minutes", "-1")).toMatchObject({ status: 2 });
  });
});
