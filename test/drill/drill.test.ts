// Drills of the drill: a judge that finds nothing wrong with a broken recovery is the defect.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { catalogue } from "../../src/drill/catalogue.ts";
import { systemClock } from "../../src/drill/ports.ts";
import { randomOf } from "../../src/drill/random.ts";
import { rowOf } from "../../src/drill/report.ts";
import { type Figures, isRed, type Row } from "../../src/drill/row.ts";
import type { Scenario } from "../../src/drill/scenario.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import { brokenCell, type Defect } from "./broken-cell.ts";

const TRIALS = 5;
const SEED = 7;

function scenarioOf(kind: string, durable = false): Scenario {
  const found = catalogue.find(
    (scenario) => scenario.kind === kind && scenario.isolation === "shared" && scenario.durable === durable,
  );
  if (found === undefined) throw new RangeError(`no scenario is called ${kind}`);
  return found;
}

async function drilled(defect: Defect | undefined, scenario = scenarioOf("throw")): Promise<Row> {
  const done = { row: undefined as Row | undefined };
  const running = rowOf(scenario, {
    trials: TRIALS,
    seed: SEED,
    clock: systemClock,
    random: randomOf(SEED, scenario),
    open: async () => brokenCell(defect, () => performance.now()),
  }).then((row) => {
    done.row = row;
  });
  while (done.row === undefined) await vi.advanceTimersByTimeAsync(100);
  await running;
  return done.row;
}

async function figures(defect: Defect | undefined): Promise<Figures> {
  const row = await drilled(defect);
  if (row.state !== "drilled") throw new Error(`${row.state}: ${row.reason}`);
  return row;
}

describe("a drill", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("finds nothing wrong with a cell that recovers, and measures how long it took", async () => {
    const row = await figures(undefined);
    expect(row).toMatchObject({
      trials: 5,
      recovered: 5,
      lost: 0,
      duplicated: 0,
      siblingsDisturbed: 0,
      faults: [],
    });
    expect(row.p50Ms).toBeGreaterThanOrEqual(4);
    expect(row.maxMs).toBeLessThan(10);
    expect(isRed(row)).toBe(false);
  });

  it.each<[Defect, Partial<Figures>]>([
    ["applies again", { duplicated: 5 }],
    ["forgets the last", { lost: 5 }],
    ["refuses what it applied", { duplicated: 5 }],
    ["keeps its incarnation", { recovered: 5, notRisen: 5 }],
    ["stays dead", { recovered: 0 }],
    ["is slow", { recovered: 5, withinBudget: false }],
    ["disturbs a sibling", { siblingsDisturbed: 1 }],
    ["slows its siblings", { siblingsDisturbed: 4 }],
  ])("is red for a cell that %s", async (defect, expected) => {
    const row = await figures(defect);
    expect(row).toMatchObject(expected);
    expect(isRed(row)).toBe(true);
    expect(row.faults).not.toEqual([]);
  });

  it("measures to the incarnation that stays, not to one that dies at once", async () => {
    expect((await figures("dies once more")).p50Ms).toBeGreaterThan(20);
  });

  it("repeats the moments of its failures with the seed", async () => {
    const [first, second] = [await figures(undefined), await figures(undefined)];
    expect(second).toEqual(first);
  });

  it.each([
    ["MANIFEST_NOT_BUILT_YET", "not drilled", false],
    ["CELL_PORT_TAKEN", "broken", true],
  ] as const)("a cell that answers %s is %s", async (code, state, red) => {
    const row = await rowOf(scenarioOf("throw"), {
      trials: 1,
      seed: SEED,
      clock: systemClock,
      random: Math.random,
      open: async () => {
        throw new CellError("DRILL_CELL_FAILED", code, { details: { code } });
      },
    });
    expect(row).toMatchObject({ state, reason: code });
    expect(isRed(row)).toBe(red);
  });
});
