// `npm run drill:docs -- FILE...`: makes docs/drill.md from what `cell0 drill --json` printed,
// of one run or of several, and keeps that beside it as docs/drill.json. A file may be
// docs/drill.json itself: later files' rows take the place of earlier ones'. A test fails when
// the page is not what this makes.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { layers } from "../src/supervisor/matrix-rules.ts";
import { mergedRows, type Row, type Run, readRuns, runsInForce } from "./drill-runs.ts";
import { checkout } from "./setup/paths.mjs";

export function drillPage(text: string): string {
  const runs = readRuns(text);
  const rows = mergedRows(runs);
  return `${[
    "# Drills",
    "",
    "<!-- Made by `npm run drill:docs` from docs/drill.json; do not edit. -->",
    "",
    ...HOW_TO_READ,
    "",
    ...(runs.length === 1 ? ["## This run"] : ["## These runs"]),
    "",
    ...runs.map((run, at) => (runs.length === 1 ? runText(run) : `${at + 1}. ${runText(run)}`)),
    "",
    "A run before which the load was above 2 shared the machine with other drills, tests or benchmarks: its p99 is theirs, too.",
    ...layers.flatMap((layer, at) =>
      tableOf(
        `Layer ${at + 1}: ${layer}`,
        rows.filter((row) => row.layer === layer),
        runs.length > 1,
      ),
    ),
  ].join("\n")}\n`;
}

function runText({ machine, versions, seed, trials, trialsPerCell, takenAt }: Run): string {
  const { cores, memoryGiB, processor, platform, loadBefore } = machine;
  const count =
    trialsPerCell === undefined ? `${trials} trials a row` : `${trialsPerCell} trials a cell of the matrix`;
  return `${cores} cores (${processor}), ${memoryGiB} GiB, ${platform}; load of the machine before it ${loadBefore}. cell0 ${versions.cell0}, Node ${versions.node}, ${versions.broker}. ${count}, seed ${seed}, ${takenAt.slice(0, 10)}. Client, broker, core and node shared the cores.`;
}

const HOW_TO_READ: readonly string[] = [
  "`cell0 drill` starts a cell of its own in a temporary directory, fails it for real, and measures whether it",
  "holds; nothing of your own cell is touched. `cell0 drill --layer process --failure kill` drills one row,",
  "`--list` names them all, `--json` prints the rows, `--seed` repeats the moments. `npm run chaos -- --minutes 10`",
  "kills at all layers at random, with a process of its own as the judge.",
  "",
  "- **Time** runs on the client's clock from the failure, right before the signal or the intent that makes the actor",
  "  fail leaves the client, to the first answer of the incarnation that is there at the end. Where the target itself",
  "  lives on (a broker or core that died) it runs to the first answer after the last intent that failed. Of drift it",
  "  runs from the foreign write, as that leaves the drill; of exhaustion from when the cell notices that memory has run",
  "  out: what an actor takes to fill it is part of no recovery.",
  "- **Budgets** are the matrix's. Those of hangs have the time until a hang is noticed added: the actor's progress",
  "  limit, 200 ms here, and the interval of the looks. Treachery parks its actor: its time holds the refusal of a",
  "  further intent with `ACTOR_PARKED` and the operator's `start` that follows it at once. Poison holds both",
  "  deaths, and has the budget of two.",
  "- **The cell** offers faults on demand. At layers 3 and 4 it also has no bound on how often kernel and process die,",
  "  so that one cell serves many trials, and makes the process that stands by 50 ms after a recovery, not 500. A",
  "  failure of layer 4 waits until that one stands by and the process has worked for a second, since those that die",
  "  sooner are started later and later; `kill-cold` kills both at once. Where memory is to run out the",
  "  node's heap is 256 MiB. Of a kernel that hangs or gets no memory the supervisors give up at the first",
  "  failure, not at the eleventh within ten seconds: the same way, without ten repetitions before it.",
  "- **Trials** are shared by the rows of a cell of the matrix (`--trials-per-cell`).",
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

/** How often each class of the layer was caused, over its rows. */
function trialsText(rows: readonly Row[]): string {
  const trials = new Map<string, number>();
  for (const row of rows)
    if (row.state === "drilled") trials.set(row.failure, (trials.get(row.failure) ?? 0) + row.trials);
  return `Trials: ${[...trials].map(([failure, count]) => `${failure} ${count}`).join(", ") || "none"}.`;
}

function tableOf(title: string, rows: readonly Row[], severalRuns: boolean): readonly string[] {
  if (rows.length === 0) return [];
  const run = (row: Row) => (severalRuns ? ` ${row.run} |` : "");
  const lines = rows.map((row) => {
    const what = row.kind === "" ? row.failure : `${row.failure}: ${row.kind}`;
    const where =
      row.isolation === undefined ? "" : `${row.isolation}${row.durable === true ? ", durable" : ""}`;
    if (row.state !== "drilled")
      return `| ${what} | ${where} | | | | | | | | | ${row.state}: ${row.reason} |${run(row)}`;
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
    return `| ${[what, where, ...figures, budget, lost, duplicated, disturbed, verdict].join(" | ")} |${run(row)}`;
  });
  return [
    "",
    `## ${title}`,
    "",
    trialsText(rows),
    "",
    `| failure | actors | recovered | p50 | p99 | max | budget | lost | doubled | disturbed | verdict |${severalRuns ? " run |" : ""}`,
    `| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |${severalRuns ? " ---: |" : ""}`,
    ...lines,
  ];
}

const ms = (value: number | null): string =>
  value === null ? "-" : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

if (process.argv[1] === import.meta.filename) {
  const [, , ...files] = process.argv;
  if (files.length === 0) throw new Error("usage: npm run drill:docs -- drill.json...");
  const runs = runsInForce(files.flatMap((file) => readRuns(readFileSync(file, "utf8"))));
  const text = `${JSON.stringify({ runs })}\n`;
  writeFileSync(join(checkout.root, "docs", "drill.md"), drillPage(text));
  writeFileSync(join(checkout.root, "docs", "drill.json"), text);
}
