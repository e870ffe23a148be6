// `npm run drill:docs -- FILE`: makes docs/drill.md from what `cell0 drill --json` printed,
// and keeps that beside it as docs/drill.json. A test fails when the page is not what this makes.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { z } from "zod";
import { layers } from "../src/supervisor/matrix-rules.ts";
import { checkout } from "./setup/paths.mjs";

const figure = z.number().nullable();
const cell = { layer: z.string(), failure: z.string(), kind: z.string() };
const drilled = z.object({
  state: z.literal("drilled"),
  ...cell,
  isolation: z.string(),
  durable: z.boolean(),
  trials: z.int(),
  recovered: z.int(),
  p50Ms: figure,
  p99Ms: figure,
  maxMs: figure,
  budgetMs: z.number(),
  budgetNote: z.string().optional(),
  lost: z.int(),
  duplicated: z.int(),
  siblings: z.int(),
  siblingsDisturbed: z.int(),
  faults: z.array(z.string()),
});
const absent = z.object({
  state: z.enum(["not applicable", "not drilled", "broken"]),
  ...cell,
  isolation: z.string().optional(),
  durable: z.boolean().optional(),
  reason: z.string(),
});
const reportSchema = z.object({
  takenAt: z.string(),
  machine: z.object({
    cores: z.int(),
    memoryGiB: z.number(),
    processor: z.string(),
    platform: z.string(),
    loadBefore: z.number(),
  }),
  versions: z.object({ cell0: z.string(), node: z.string(), broker: z.string() }),
  seed: z.int(),
  trials: z.int(),
  rows: z.array(z.discriminatedUnion("state", [drilled, absent])),
});
type Report = z.infer<typeof reportSchema>;
type Row = Report["rows"][number];

export function drillPage(text: string): string {
  const { takenAt, machine, versions, seed, trials, rows } = reportSchema.parse(JSON.parse(text));
  const { cores, memoryGiB, processor, platform, loadBefore } = machine;
  return `${[
    "# Drills",
    "",
    "<!-- Made by `npm run drill:docs` from docs/drill.json; do not edit. -->",
    "",
    ...HOW_TO_READ,
    "",
    "## This run",
    "",
    `${cores} cores (${processor}), ${memoryGiB} GiB, ${platform}; load of the machine before it ${loadBefore}. cell0 ${versions.cell0}, Node ${versions.node}, ${versions.broker}. ${trials} trials a row, seed ${seed}, ${takenAt.slice(0, 10)}. Client, broker, core and node shared the cores.`,
    ...layers.flatMap((layer, at) =>
      tableOf(
        `Layer ${at + 1}: ${layer}`,
        rows.filter((row) => row.layer === layer),
      ),
    ),
  ].join("\n")}\n`;
}

const HOW_TO_READ: readonly string[] = [
  "`cell0 drill` starts a cell of its own in a temporary directory, fails it for real, and measures whether it",
  "holds; nothing of your own cell is touched. `cell0 drill --layer process --failure kill` drills one row,",
  "`--list` names them all, `--json` prints the rows, `--seed` repeats the moments. `npm run chaos -- --minutes 10`",
  "kills at all layers at random, with a process of its own as the judge.",
  "",
  "- **Time** runs on the client's clock from the failure, right before the signal or the intent that makes the actor",
  "  fail leaves the client, to the first answer of the incarnation that is there at the end. Where the target itself",
  "  lives on (a broker or core that died) it runs to the first answer after the last intent that failed.",
  "- **Load** is an open loop: one intent each 50 ms to the target and to each of four siblings, who take turns, whether",
  "  or not earlier ones were answered; from the failure to the recovery one each 2 to 5 ms to the target, for a second,",
  "  while fewer than two wait: more would measure the load. Latencies count from when an intent was due. Trials without a failure come first and are not counted.",
  "- **lost**: answered, but not in the actor's state at the end.",
  "  **doubled**: in the state twice, or there though the client was told that it was not begun. A durable actor keeps",
  "  everything that it answered. A volatile one goes back to the state before the intent that failed; when its own",
  "  worker or process died, to its last snapshot; when its node died, it starts fresh.",
  "- **disturbed**: siblings of which an intent failed, or whose p99 from the failure on is more than five times, and",
  "  10 ms more than, what it is without failures. `-`: all that the cell runs stands inside of what fails.",
  "- A row is **ok** when every trial recovered with a higher incarnation, p99 is within the budget, and nothing was",
  "  lost, doubled, disturbed, or never answered. The drill exits with 1 otherwise.",
];

function tableOf(title: string, rows: readonly Row[]): readonly string[] {
  if (rows.length === 0) return [];
  const lines = rows.map((row) => {
    const what = row.kind === "" ? row.failure : `${row.failure}: ${row.kind}`;
    const where =
      row.isolation === undefined ? "" : `${row.isolation}${row.durable === true ? ", durable" : ""}`;
    if (row.state !== "drilled")
      return `| ${what} | ${where} | | | | | | | | | ${row.state}: ${row.reason} |`;
    const { trials, recovered, p50Ms, p99Ms, maxMs, budgetMs, lost, duplicated, siblings } = row;
    const disturbed = siblings === 0 ? "-" : String(row.siblingsDisturbed);
    const figures = [
      recovered === trials ? trials : `${recovered} of ${trials}`,
      ms(p50Ms),
      ms(p99Ms),
      ms(maxMs),
    ];
    const verdict = row.faults.length === 0 ? "ok" : row.faults.join(", ");
    const budget = row.budgetNote === undefined ? `${budgetMs} ms` : `${budgetMs} ms (${row.budgetNote})`;
    return `| ${[what, where, ...figures, budget, lost, duplicated, disturbed, verdict].join(" | ")} |`;
  });
  return [
    "",
    `## ${title}`,
    "",
    "| failure | actors | recovered | p50 | p99 | max | budget | lost | doubled | disturbed | verdict |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ...lines,
  ];
}

const ms = (value: number | null): string =>
  value === null ? "-" : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

if (process.argv[1] === import.meta.filename) {
  const [, , file] = process.argv;
  if (file === undefined) throw new Error("usage: npm run drill:docs -- drill.json");
  const text = readFileSync(file, "utf8");
  writeFileSync(join(checkout.root, "docs", "drill.md"), drillPage(text));
  writeFileSync(join(checkout.root, "docs", "drill.json"), text);
}
