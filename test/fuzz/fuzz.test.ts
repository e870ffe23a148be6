// A short run of every target by a fixed seed, and what a campaign does when something is found.
import { execFile } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { campaign, repeatCommand } from "./campaign.ts";
import { demand } from "./demand.ts";
import { type Mutant, mutants, ofMutants } from "./mutants.ts";
import { type Law, targetOf } from "./target.ts";
import { coreTargets, targets } from "./targets.ts";
import { watched } from "./watch.ts";

const SEED = 20_261_129;

describe("by a fixed seed", () => {
  // Those that ask the Rust core have a test of their own.
  const own = targets.filter((target) => !coreTargets.includes(target));
  test.for(own.map((target) => [target.name, target] as const))("%s: no finding", ([, target]) => {
    const { finding, inputs, outcomes } = target.run({ seed: SEED, runs: target.testRuns });
    expect(finding).toBeUndefined();
    expect(inputs).toBe(target.testRuns);
    expect([...outcomes.keys()]).toEqual(expect.arrayContaining([...target.mustSee]));
  });
});

describe("a campaign", () => {
  const law = (check: Law<Mutant>["check"]): Law<Mutant> => ({
    name: "broken",
    inputs: mutants([Uint8Array.of(8, 1, 18, 2, 24, 3)], 64),
    check,
    ...ofMutants,
    mustSee: [],
    testRuns: 1,
  });

  test("finds what breaks a law, makes it as small as it can be, and finds it again by its seed", () => {
    const broken = targetOf(law(({ bytes }) => demand(!bytes.includes(0xff), "it holds ff")));
    const { finding } = campaign(broken, { seed: 7, ms: 60_000 });
    expect(finding).toMatchObject({ what: "it holds ff", input: "ff" });
    if (finding === undefined) return;
    expect(campaign(broken, { seed: finding.seed, ms: 0 }).finding).toEqual(finding);
    expect(repeatCommand("broken", finding)).toBe(`npm run fuzz -- --target broken --seed ${finding.seed}`);
  });

  test("takes whatever is thrown for a finding", () => {
    const throwing = targetOf(
      law(({ bytes }) => void decodeURIComponent(Buffer.from(bytes).toString("latin1"))),
    );
    expect(campaign(throwing, { seed: 7, ms: 60_000 }).finding).toMatchObject({
      what: "URI malformed",
      input: "25",
    });
  });

  test("takes an input that is judged too slowly for a finding, and measures the slowest", () => {
    let atMs = 0;
    const takes = (ms: number) => (n: number) => {
      atMs += n * ms;
    };
    const inputs = fc.constantFrom(1, 2);
    const law = { name: "slow", inputs, show: String, mustSee: [], testRuns: 1 };
    const watch = { slowMs: 1_000, nowMs: () => atMs };
    const slow = campaign(targetOf({ ...law, check: takes(600) }, watch), { seed: 1, ms: 0 });
    expect(slow.finding).toMatchObject({ what: "it took 1200 ms", input: "2" });
    const within = campaign(targetOf({ ...law, check: takes(500) }, watch), { seed: 1, ms: 0 });
    expect(within).toMatchObject({ finding: undefined, slowest: { ms: 1_000, input: "2" } });
  });

  test.for([
    ["hangs", "it does not come to an end within 300 ms"],
    ["dies", "its thread died: too deep"],
  ] as const)("that %s is ended, and says over which input", async ([how, what]) => {
    const target = targetOf(law(() => {}));
    const worker = new URL(`./fixtures/${how}.ts`, import.meta.url);
    const { finding } = await watched(target, { seed: 1, ms: 1, hangMs: 300, worker });
    const [seed, run] = how === "hangs" ? [5, 3] : [0, 0];
    expect(finding).toEqual({ seed, what, input: target.inputAt(seed, run) });
  });

  test("makes the inputs that it says", () => {
    const seen: string[] = [];
    const target = targetOf(law(({ bytes }) => void seen.push(Buffer.from(bytes).toString("hex"))));
    target.run({ seed: 9, runs: 40 });
    expect([0, 17, 39].map((run) => target.inputAt(9, run))).toEqual([seen[0], seen[17], seen[39]]);
    expect(new Set(seen).size).toBeGreaterThan(20);
  });
});

describe("on the command line", () => {
  const run = (...args: readonly string[]) =>
    new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
      const command = [join(import.meta.dirname, "fuzz.ts"), ...args];
      execFile(process.execPath, command, (error, stdout, stderr) =>
        resolve({ status: error?.code ?? 0, stdout, stderr }),
      );
    });

  test("it says how it is used, and refuses what it does not know", async () => {
    const [help, ...wrong] = await Promise.all([
      run("--help"),
      run("--second", "1"),
      run("--seed", "-1"),
      run("--target", "nothing"),
    ]);
    expect(help).toMatchObject({ status: 0, stdout: expect.stringContaining("verdict-caches") });
    for (const each of wrong)
      expect(each).toMatchObject({ status: 2, stderr: expect.stringContaining("Usage:") });
  });

  test("it prints what came of each target, and the seed", async () => {
    const args = ["--seconds", "0.1", "--seed", "3", "--target", "patterns"];
    const [text, json] = await Promise.all([run(...args), run(...args, "--json")]);
    expect(text).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /^patterns: \d+ inputs, \d+ a second, the slowest [\d.]+ ms\n {2}.*not within \d+.*\n\d+ inputs to 1 targets, seed 3: no finding\n$/,
      ),
    });
    const slowest = { ms: expect.any(Number), input: expect.any(String) };
    expect(JSON.parse(json.stdout)).toMatchObject({ seed: 3, reports: [{ target: "patterns", slowest }] });
  });
});
