// The same bytes get the same verdict from a node and from the Rust core: a short run of each target
// by a fixed seed, in which both accept and refuse often enough, for each reason, to show something.
import { describe, expect, test } from "vitest";
import { repeatCommand } from "../campaign.ts";
import { coreTargets } from "../targets.ts";
import { NAMED } from "./core-law.ts";

const SEED = 20_261_130;
/** Of each outcome that a target must see. */
const LEAST = 3;
/** Of all verdicts, how many accept. */
const ACCEPTED = { least: 0.05, most: 0.9 };

describe(`a node and the Rust core, by seed ${SEED}`, () => {
  test.for(coreTargets.map((target) => [target.name, target] as const))("%s", ([, target]) => {
    const { finding, outcomes } = target.run({ seed: SEED, runs: target.testRuns });
    expect(finding, finding && repeatCommand(target.name, finding)).toBeUndefined();
    const rare = target.mustSee.filter((code) => (outcomes.get(code) ?? 0) < LEAST);
    expect(rare, JSON.stringify(Object.fromEntries(outcomes))).toEqual([]);
    const verdicts = [...outcomes].filter(([code]) => code !== "certified" && !code.includes(NAMED));
    const of = (some: typeof verdicts) => some.reduce((sum, [, count]) => sum + count, 0);
    const share = of(verdicts.filter(([code]) => code.startsWith("ok"))) / of(verdicts);
    expect(share).toBeGreaterThan(ACCEPTED.least);
    expect(share).toBeLessThan(ACCEPTED.most);
  });
});
