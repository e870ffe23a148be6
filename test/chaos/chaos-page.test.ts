import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chaosPage, claimOf } from "../../scripts/chaos-page.ts";
import { appendRun, type Run, readRuns } from "./record.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (...path: readonly string[]): string => readFileSync(join(root, ...path), "utf8");

const run: Run = {
  takenAt: "2026-01-02T03:04:05.000Z",
  minutes: 10,
  machine: { cores: 2, memoryGiB: 24, processor: "a processor", platform: "linux x64", loadBefore: 0.5 },
  versions: { cell0: "0.1.0", node: "26.10.0", broker: "nats-server 2.15.2" },
  ...{
    seed: 7,
    form: "durable",
    everyMs: 60,
    kills: { throw: 1_500, node: 20 },
    sent: 20_010,
    accepted: 20_000,
  },
  ...{ slowestMs: 2_345, forwarded: 900, fired: 800, letters: 30, lives: 1_600, records: 40_000, unseen: 3 },
  ...{ lost: 0, doubled: 0, disordered: 0, findings: [] },
};

describe("docs/chaos.md", () => {
  it("is what `npm run chaos:docs` makes of docs/chaos.json", () => {
    expect(read("docs", "chaos.md")).toBe(chaosPage(readRuns(read("docs", "chaos.json"))));
  });

  it("sums runs, and shows each", () => {
    const page = chaosPage([run, { ...run, seed: 8, kills: { throw: 500, kernel: 2 } }]);
    expect(page).toContain(
      "**2,022 kills, 40,000 intents accepted, 0 lost, 0 doubled**, in 2 runs of 20 minutes",
    );
    expect(page).toContain("| 1 actor | throw | 2,000 |");
    expect(page).toContain("| 3 kernel | kernel | 2 |");
    expect(page).toContain(
      "| 2026-01-02 | 7 | 10 | durable | 1,520 | 20,000 | 0 | 0 | 2.3 s | 0 | 2 cores, 24 GiB, load 0.5 | cell0 0.1.0, Node 26.10.0, nats-server 2.15.2 |",
    );
    expect(page).not.toContain("## Findings");
  });

  it("shows what was found as it is", () => {
    const page = chaosPage([run, { ...run, seed: 9, lost: 1, findings: ["lost: drill/t0 5"] }]);
    expect(page).toContain("1 lost, 0 doubled");
    expect(page).toContain("Seed 9:\n\n- lost: drill/t0 5\n");
  });
});

describe("the record of runs", () => {
  it("is a file that each run is added to", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cell0-chaos-record-"));
    try {
      const file = join(folder, "runs.json");
      appendRun(file, run);
      appendRun(file, { ...run, seed: 8 });
      expect(readRuns(readFileSync(file, "utf8"))).toEqual([run, { ...run, seed: 8 }]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("is what README and changelog say of chaos, where they give figures", () => {
    const claim = /[\d,]+ kills, [\d,]+ intents accepted, [\d,]+ lost, [\d,]+ doubled/g;
    const claimed = ["README.md", "CHANGELOG.md"].flatMap((page) => read(page).match(claim) ?? []);
    const recorded = claimOf(readRuns(read("docs", "chaos.json")));
    for (const each of claimed) expect(each).toBe(recorded);
  });
});
