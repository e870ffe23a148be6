// Fuzzing from the command line: runs each target for its share of the time, and prints what came
// of its inputs. Of what is found it prints the smallest input and the command that finds it again.
import process from "node:process";
import { parseArgs } from "node:util";
import { type Report, repeatCommand, SEEDS } from "./campaign.ts";
import type { Target } from "./target.ts";
import { targets } from "./targets.ts";
import { watched } from "./watch.ts";

const USAGE = `Usage: npm run fuzz -- [options]

Feeds whatever reads bytes from outside, tokens and chains among them, with wrong and with right
ones, and holds what comes of each against a law of its own (test/fuzz/laws).

  --seconds <n>    how long, in all; each target gets its share (default: 60)
  --seed <n>       draws the inputs, 0 to 2147483647; default: one at random, which is printed
  --target <name>  only this one; may be given several times. There are:
                   ${targets
                     .map(({ name }) => name)
                     .join(" ")
                     .replace(/(.{1,70})(?:\s|$)/g, "$1\n                   ")
                     .trim()}
  --json           print the reports as JSON
  --help           this text

Exit codes: 0 nothing was found; 1 something was; 2 usage
`;

type Options = {
  readonly seconds: number;
  readonly seed: number;
  readonly chosen: readonly Target[];
  readonly json: boolean;
};

/** Undefined: the command line is wrong. */
function optionsOf(): Options | "help" | undefined {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: "string", default: "60" },
        seed: { type: "string" },
        target: { type: "string", multiple: true },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return "help";
    const { json, target: names = targets.map(({ name }) => name) } = values;
    const chosen = targets.filter(({ name }) => names.includes(name));
    const seed = values.seed === undefined ? Math.floor(Math.random() * SEEDS) : Number(values.seed);
    const seconds = Number(values.seconds);
    const isSeed = Number.isInteger(seed) && seed >= 0 && seed < SEEDS;
    const isSound = isSeed && seconds > 0 && seconds <= 86_400 && chosen.length === new Set(names).size;
    return isSound ? { seconds, seed, chosen, json } : undefined;
  } catch {
    return undefined;
  }
}

async function run({ seconds, seed, chosen, json }: Options): Promise<number> {
  process.stderr.write(`fuzz for ${seconds} s, seed ${seed}\n`);
  const reports: Report[] = [];
  for (const target of chosen) {
    const report = await watched(target, { seed, ms: (seconds * 1_000) / chosen.length });
    reports.push(report);
    if (!json) process.stdout.write(textOf(report));
  }
  if (json) process.stdout.write(`${JSON.stringify({ seed, reports }, undefined, 2)}\n`);
  const found = reports.filter(({ finding }) => finding !== undefined).length;
  const inputs = reports.reduce((sum, report) => sum + report.inputs, 0);
  const findings = found === 0 ? "no finding" : found === 1 ? "1 finding" : `${found} findings`;
  const end = `${inputs} inputs to ${chosen.length} targets, seed ${seed}: ${findings}`;
  (json ? process.stderr : process.stdout).write(`${end}\n`);
  return found === 0 ? 0 : 1;
}

function textOf({ target, inputs, ms, outcomes, slowest, finding }: Report): string {
  const aSecond = Math.round((1_000 * inputs) / Math.max(1, ms));
  const counts = Object.entries(outcomes)
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${outcome} ${count}`);
  const lines = [
    `${target}: ${inputs} inputs, ${aSecond} a second, the slowest ${slowest.ms.toFixed(1)} ms`,
    `  ${counts.join(", ")}`,
  ];
  if (finding !== undefined)
    lines.push(
      `  FOUND: ${finding.what}`,
      `  input: ${finding.input}`,
      `  again: ${repeatCommand(target, finding)}`,
    );
  return `${lines.join("\n")}\n`;
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
