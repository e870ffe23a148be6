import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/actors/testkit/seeded-random.ts";
import { EVERYTHING, type Kill, kills } from "./plan.ts";
import { runChaos } from "./run.ts";

const SEED = 20_260_923;
const BROKEN = join(import.meta.dirname, "behaviours", "broken.ts");

describe("chaos", () => {
  it("kills the same things at the same moments by the same seed, and others by another", () => {
    const first = (seed: number): readonly Kill[] => {
      const plan = kills(seededRandom(seed), EVERYTHING, 18);
      return Array.from({ length: 200 }, () => plan.next().value);
    };
    expect(first(SEED)).toEqual(first(SEED));
    expect(first(SEED)).not.toEqual(first(SEED + 1));
    expect(new Set(first(SEED).map(({ kind }) => kind)).size).toBeGreaterThan(8);
  });

  it("loses nothing and doubles nothing in ten seconds of kills under load", {
    timeout: 180_000,
  }, async () => {
    const report = await runChaos({ ms: 10_000, seed: SEED, everyMs: 100 });
    expect(report.faults, `seed ${SEED}, its kills: ${report.trace}`).toEqual([]);
    expect(report.verdict.answered).toBeGreaterThan(100);
    expect(Object.values(report.kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5);
  });

  it("finds out actors that apply intents twice or not at all", { timeout: 120_000 }, async () => {
    const { verdict, faults } = await runChaos({
      ms: 2_000,
      seed: SEED,
      module: BROKEN,
      weights: { throw: 1 },
    });
    expect(verdict.lost).not.toEqual([]);
    expect(verdict.duplicated).not.toEqual([]);
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
