import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { drillPage } from "../../scripts/drill-page.ts";
import { readRuns } from "../../scripts/drill-runs.ts";

const docs = join(import.meta.dirname, "..", "..", "docs");
const read = (name: string): string => readFileSync(join(docs, name), "utf8");

describe("docs/drill.md", () => {
  it("is what `npm run drill:docs` makes of docs/drill.json", () => {
    expect(read("drill.md")).toBe(drillPage(read("drill.json")));
  });

  it("shows what is red as it is", () => {
    const [report] = readRuns(read("drill.json"));
    const row = {
      state: "drilled",
      layer: "actor",
      failure: "crash",
      kind: "throw",
      isolation: "shared",
      durable: true,
      trials: 10,
      recovered: 9,
      p50Ms: 1,
      p99Ms: 30,
      maxMs: 31,
      budgetMs: 10,
      lost: 2,
      duplicated: 0,
      siblings: 4,
      siblingsDisturbed: 1,
      faults: ["1 did not recover", "2 lost"],
    };
    const page = drillPage(JSON.stringify({ ...report, rows: [row] }));
    expect(page).toContain(
      "| crash: throw | shared, durable | 9 of 10 | 1.0 ms | 30 ms | 31 ms | 10 ms | 2 | 0 | 1 | 1 did not recover, 2 lost |",
    );
  });
});
