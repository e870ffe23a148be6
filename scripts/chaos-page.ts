// `npm run chaos:docs -- FILE...`: makes docs/chaos.md from what `npm run chaos -- --json FILE`
// recorded, and keeps that beside it as docs/chaos.json. A test fails when the page is not
// what this makes, or leaves out a run that found something.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { LAYERS } from "../test/chaos/plan.ts";
import { type Run, readRuns } from "../test/chaos/record.ts";
import { checkout } from "./setup/paths.mjs";

const MAX_FINDINGS = 20;

export function chaosPage(runs: readonly Run[]): string {
  return `${[
    "# Chaos",
    "",
    "<!-- Made by `npm run chaos:docs` from docs/chaos.json; do not edit. -->",
    "",
    ...HOW_TO_READ,
    "",
    ...(runs.length === 0
      ? ["No run is recorded yet."]
      : [...sumOf(runs), ...tableOf(runs), ...foundBy(runs)]),
  ].join("\n")}\n`;
}

const HOW_TO_READ: readonly string[] = [
  "`npm run chaos -- --minutes 10 --seed S` starts a cell of its own in a temporary directory and kills at random,",
  "at layers 1 to 4, under load; the seed draws what is killed and when. Another process, which is never killed,",
  "judges: it sends every intent with the client library, remembers what it was told, and compares that with what",
  "the actors keep; and it reads the streams of what they commit with a stock connection of its own.",
  "",
  "- **Actors** are durable, in `shared`, `worker` and `process`: some count what they are sent, some stand in a group",
  "  that is restarted whole, some send each number on to another actor, some arm a timer for each.",
  "- **Killed** counts what struck. An actor throws, rejects, throws while nothing is in hand, loops for ever or grows",
  "  beyond its memory (isolated), loses its process to kill -9, or gets an intent that kills each life that takes it;",
  "  a group gives up; the kernel is rebuilt; node, core and broker are killed, alone, together, one upon the other,",
  "  or stopped; the cradle is killed with all below it and started again.",
  "- **Accepted** intents were answered. **lost**: answered, but not in the state; or sent on by an actor, and never",
  "  taken; or a timer that did not fire. **doubled**: there twice, or though the client was told that it was not",
  "  begun. **out of order**: taken in another order than one actor sent them to one other.",
  "- **Findings** are all that speaks against the cell: those, and a commit or journal record whose number was there",
  "  before, that is not chained to the one before it, or in which a position fell; a life that does not bear a higher",
  "  incarnation than the one before it; a dead letter that came twice, was answered, or was told of and is not there;",
  "  a process that died of something else than a kill.",
];

const total = (runs: readonly Run[], of: (run: Run) => number): number =>
  runs.reduce((sum, run) => sum + of(run), 0);
const killsOf = ({ kills }: Run): number => Object.values(kills).reduce((sum, count) => sum + count, 0);
const grouped = (count: number): string => count.toLocaleString("en-US");

/** What README and changelog may claim of them. */
export function claimOf(runs: readonly Run[]): string {
  const sum = (of: (run: Run) => number) => grouped(total(runs, of));
  return `${sum(killsOf)} kills, ${sum(({ accepted }) => accepted)} intents accepted, ${sum(({ lost }) => lost)} lost, ${sum(({ doubled }) => doubled)} doubled`;
}

function sumOf(runs: readonly Run[]): readonly string[] {
  const sum = (of: (run: Run) => number) => grouped(total(runs, of));
  const rows = Object.entries(LAYERS).flatMap(([layer, kinds], at) =>
    kinds.map((kind) => `| ${at + 1} ${layer} | ${kind} | ${sum(({ kills }) => kills[kind] ?? 0)} |`),
  );
  return [
    "## All runs",
    "",
    `**${claimOf(runs)}**, in ${runs.length} runs of ${sum(({ minutes }) => minutes)} minutes in all.`,
    ...sinceLoss(runs),
    `${sum(({ forwarded }) => forwarded)} numbers sent on from actor to actor, ${sum(({ disordered }) => disordered)} of them out of order; ${sum(({ fired }) => fired)} timers fired; ${sum(({ letters }) => letters)} dead letters.`,
    `${sum(({ lives }) => lives)} lives and ${sum(({ records }) => records)} records followed; ${sum(({ unseen }) => unseen)} records were replaced before the judge could read them.`,
    "",
    "| layer | killed | times |",
    "| --- | --- | ---: |",
    ...rows,
    "",
  ];
}

/** What was found since the cell was mended after its last loss. */
function sinceLoss(runs: readonly Run[]): readonly string[] {
  const last = runs.findLastIndex(({ lost, doubled }) => lost + doubled > 0);
  const after = runs.slice(last + 1);
  return last === -1 || after.length === 0
    ? []
    : [`Since what seed ${runs[last]?.seed} found was mended: **${claimOf(after)}**.`];
}

function tableOf(runs: readonly Run[]): readonly string[] {
  const rows = runs.map((run) => {
    const { takenAt, seed, minutes, form, accepted, lost, doubled, slowestMs, findings, machine, versions } =
      run;
    const { cores, memoryGiB, loadBefore } = machine;
    const figures = [
      grouped(killsOf(run)),
      grouped(accepted),
      lost,
      doubled,
      `${(slowestMs / 1_000).toFixed(1)} s`,
    ];
    const on = `${cores} cores, ${memoryGiB} GiB, load ${loadBefore}`;
    const what = `cell0 ${versions.cell0}, Node ${versions.node}, ${versions.broker}`;
    return `| ${[takenAt.slice(0, 10), seed, minutes, form, ...figures, findings.length, on, what].join(" | ")} |`;
  });
  return [
    "## Each run",
    "",
    "| date | seed | minutes | actors | kills | accepted | lost | doubled | slowest answer | findings | machine | versions |",
    "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ...rows,
  ];
}

function foundBy(runs: readonly Run[]): readonly string[] {
  const found = runs.filter(({ findings }) => findings.length > 0);
  if (found.length === 0) return [];
  return [
    "",
    "## Findings",
    "",
    "Lives that began alike had been seen wrongly by the judge (101, 107), or told so late, as an event that came out of its",
    "turn (108); what was lost was lost by the cell (107); and two actors died in every incarnation of one event that",
    "a commit held (109). All of it is mended, and held by tests that name the seed.",
    "",
    ...found.flatMap(({ seed, findings }) => [
      `Seed ${seed}:`,
      "",
      ...findings.slice(0, MAX_FINDINGS).map((finding) => `- ${finding}`),
      ...(findings.length > MAX_FINDINGS ? [`- and ${findings.length - MAX_FINDINGS} more`] : []),
      "",
    ]),
  ].slice(0, -1);
}

if (process.argv[1] === import.meta.filename) {
  const [, , ...files] = process.argv;
  if (files.length === 0) throw new Error("usage: npm run chaos:docs -- chaos.json...");
  const runs = files.flatMap((file) => readRuns(readFileSync(file, "utf8")));
  writeFileSync(join(checkout.root, "docs", "chaos.md"), chaosPage(runs));
  writeFileSync(join(checkout.root, "docs", "chaos.json"), `${JSON.stringify({ runs }, undefined, 1)}\n`);
}
