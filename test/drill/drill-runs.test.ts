import { describe, expect, it } from "vitest";
import { drillPage } from "../../scripts/drill-page.ts";
import { mergedRows, readRuns, runsInForce } from "../../scripts/drill-runs.ts";

const run = (seed: number, rows: readonly unknown[]) => ({
  takenAt: `2026-01-0${seed}T00:00:00.000Z`,
  machine: { cores: 2, memoryGiB: 4, processor: "some", platform: "linux x64", loadBefore: 0 },
  versions: { cell0: "0", node: "26", broker: "nats-server 2" },
  seed,
  trialsPerCell: 10,
  rows,
});
const row = (layer: string, failure: string, more: object = {}) => ({
  state: "drilled",
  ...{ layer, failure, kind: "kill", isolation: "shared", durable: false },
  ...{ trials: 10, recovered: 10, p50Ms: 1, p99Ms: 2, maxMs: 3, budgetMs: 10 },
  ...{ lost: 0, duplicated: 0, siblings: 0, siblingsDisturbed: 0, faults: [] },
  ...more,
});
const absent = (layer: string, failure: string) => ({
  ...{ state: "not drilled", layer, failure, kind: "", reason: "no time" },
});

const text = (...runs: readonly unknown[]) => JSON.stringify({ runs });

describe("runs of the drill", () => {
  it("are read as the drill prints one", () => {
    expect(readRuns(JSON.stringify(run(1, [row("actor", "loss")])))).toMatchObject([{ seed: 1 }]);
  });

  it("are merged in the order of the matrix, each row with the run that it is from", () => {
    const runs = readRuns(
      text(run(1, [row("process", "loss")]), run(2, [row("actor", "loss"), row("actor", "crash")])),
    );
    expect(mergedRows(runs).map(({ layer, failure, run: from }) => [layer, failure, from])).toEqual([
      ["actor", "crash", 2],
      ["actor", "loss", 2],
      ["process", "loss", 1],
    ]);
  });

  it("a later run's row takes the place of an earlier one's, and of a cell that was not drilled", () => {
    const first = run(1, [row("actor", "loss", { recovered: 9 }), absent("actor", "drift")]);
    const second = run(2, [row("actor", "loss"), row("actor", "drift")]);
    for (const runs of [
      readRuns(text(first, second)),
      readRuns(text(second, { ...first, rows: [absent("actor", "drift")] })),
    ])
      expect(mergedRows(runs).map(({ failure, state }) => [failure, state])).toEqual([
        ["drift", "drilled"],
        ["loss", "drilled"],
      ]);
  });

  it("of which no row counts any more are dropped", () => {
    const runs = readRuns(
      text(
        run(1, [row("actor", "loss")]),
        run(2, [row("actor", "loss"), row("actor", "crash")]),
        run(3, [row("actor", "loss")]),
      ),
    );
    expect(runsInForce(runs).map(({ seed }) => seed)).toEqual([2, 3]);
  });

  it("show their seeds and dates, and how often each cell was caused", () => {
    const page = drillPage(
      text(run(1, [row("actor", "loss"), row("actor", "loss", { kind: "stop" })]), run(2, [])),
    );
    expect(page).toContain("10 trials a cell of the matrix, seed 1, 2026-01-01.");
    expect(page).toContain("seed 2, 2026-01-02.");
    expect(page).toContain("Trials: loss 20.");
    expect(page).toContain(
      "| loss: stop | shared | 10 | 1.0 ms | 2.0 ms | 3.0 ms | 10 ms | 0 | 0 | - | ok | 1 |",
    );
  });
});
