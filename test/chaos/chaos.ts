// Chaos from the command line: prints how far it is, what was killed, lost and doubled, and,
// when anything was, the seed, the kills and the directory that lead back to it.
import process from "node:process";
import { parseArgs } from "node:util";
import { LAYERS } from "./plan.ts";
import { appendRun, runOf, startOf } from "./record.ts";
import { type ChaosReport, runChaos } from "./run.ts";

const USAGE = `Usage: npm run chaos -- [options]

Kills actors, kernel, node, core, broker and cradle of a cell of its own at random, under load,
while a judge in another process compares what it was told with what the actors keep.

  --minutes <n>   how long to kill (default: 10)
  --seed <n>      draws the kills; default: one at random, which is printed
  --volatile      actors that are not durable: nothing that ends the node is killed
  --every <ms>    between two intents on each actor (default: 100)
  --keep          leave the cell's directory behind also when nothing was found
  --json <file>   add this run to the runs in the file; \`npm run chaos:docs -- file\` makes the page
  --help          this text

Exit codes: 0 nothing lost or doubled; 1 something was: seed, kills and directory are named; 2 usage
`;

type Options = {
  readonly minutes: number;
  readonly seed: number;
  readonly everyMs: number;
  readonly volatile: boolean;
  readonly keep: boolean;
  readonly json: string | undefined;
};

/** Undefined: the command line is wrong. */
function optionsOf(): Options | "help" | undefined {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: "string", default: "10" },
        seed: { type: "string" },
        volatile: { type: "boolean", default: false },
        every: { type: "string", default: "100" },
        keep: { type: "boolean", default: false },
        json: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return "help";
    const { volatile, keep, json } = values;
    const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
    const [minutes, everyMs] = [Number(values.minutes), Number(values.every)];
    const isSound = minutes > 0 && minutes <= 1_440 && everyMs >= 1 && Number.isInteger(seed);
    return isSound && json !== "" ? { minutes, seed, everyMs, volatile, keep, json } : undefined;
  } catch {
    return undefined;
  }
}

const say = (text: string) => void process.stderr.write(`${text}\n`);

async function run({ minutes, seed, everyMs, volatile, keep, json }: Options): Promise<number> {
  say(`chaos for ${minutes} min, seed ${seed}`);
  const start = await startOf(minutes);
  const report = await runChaos({
    ms: minutes * 60_000,
    seed,
    form: volatile ? "volatile" : "durable",
    everyMs,
    keep,
    onProgress: ({ elapsedMs, kills, judge }) => {
      const { sent = 0, answered = 0, slowestMs = 0, lost = 0, duplicated = 0, otherFaults = 0 } = judge;
      const found = `${lost} lost, ${duplicated} doubled, ${otherFaults} other faults`;
      const atS = (elapsedMs / 1_000).toFixed(0).padStart(5);
      say(
        `${atS} s  ${kills} kills, ${sent} intents, ${answered} answered (slowest ${slowestMs} ms), ${found}`,
      );
    },
  });
  process.stdout.write(textOf(report));
  if (json !== undefined) appendRun(json, runOf(start, report));
  if (keep) say(`its kills: ${report.trace}\nthe cell: ${report.directory}`);
  if (report.faults.length === 0) return 0;
  const again = `npm run chaos -- --minutes ${minutes} --seed ${seed}${volatile ? " --volatile" : ""} --every ${everyMs}`;
  say(`${report.faults.slice(0, 20).join("\n")}\n`);
  say(`again: ${again}\nits kills: ${report.trace}\nthe cell: ${report.directory}`);
  return 1;
}

function textOf({ verdict, form, kills, unplanned }: ChaosReport): string {
  const total = Object.values(kills).reduce((sum, count) => sum + count, 0);
  const byLayer = Object.entries(LAYERS).flatMap(([layer, kinds]) => {
    const told = kinds.flatMap((kind) => ((kills[kind] ?? 0) > 0 ? [`${kind} ${kills[kind]}`] : []));
    return told.length === 0 ? [] : [`  ${layer}: ${told.join(", ")}`];
  });
  const failed = Object.entries(verdict.failed).map(([code, count]) => `${code} ${count}`);
  const { sent, answered, slowestMs, forwarded, fired, letters, records, unseen, lives, starts } = verdict;
  return [
    `${total} kills of ${form} actors and what runs them`,
    ...byLayer,
    `${sent} intents, ${answered} answered, the slowest after ${slowestMs} ms; not answered: ${failed.join(", ") || "none"}`,
    `${forwarded} sent on from actor to actor, ${fired} timers fired, ${letters} dead letters`,
    ...(unplanned.length === 0 ? [] : [`died unplanned: ${unplanned.slice(0, 10).join(", ")}`]),
    `${verdict.lost.length} lost, ${verdict.duplicated.length} doubled, ${verdict.disordered.length} out of order, ${verdict.letterFaults.length} faults in dead letters`,
    `${records} records followed (${unseen} replaced unseen), ${verdict.recordFaults.length} faults in them; ${lives} lives, ${starts} starts, ${verdict.startFaults.length} faults in them`,
    "",
  ].join("\n");
}

const options = optionsOf();
if (options === "help") {
  process.stdout.write(USAGE);
} else if (options === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  process.exitCode = await run(options);
}
