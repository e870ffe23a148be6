// `npm run chaos -- --minutes 10 --seed S [--volatile] [--every MS]`: prints kills so far, what was lost and doubled,
// and, when anything was, the seed and the trace that lead back to it. Exits with 1 then.
import process from "node:process";
import { parseArgs } from "node:util";
import { runChaos } from "./run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    volatile: { type: "boolean", default: false },
    every: { type: "string", default: "40" },
    json: { type: "boolean", default: false },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const minutes = Number(values.minutes);
const everyMs = Number(values.every);
if (!(minutes > 0 && minutes <= 1_440) || !(everyMs >= 1) || !Number.isInteger(seed)) {
  process.stderr.write(
    "usage: npm run chaos -- [--minutes 10] [--seed S] [--volatile] [--every 40] [--json]\n",
  );
  process.exit(2);
}
const say = (text: string) => void process.stderr.write(`${text}\n`);
say(`chaos for ${minutes} min, seed ${seed}`);
const report = await runChaos({
  ms: minutes * 60_000,
  seed,
  form: values.volatile ? "volatile" : "durable",
  everyMs,
  onProgress: ({ elapsedMs, kills, judge }) => {
    const { sent = 0, answered = 0, lost = 0, duplicated = 0, recordFaults = 0 } = judge;
    say(
      `${(elapsedMs / 1_000).toFixed(0).padStart(5)} s  ${kills} kills, ${sent} intents, ${answered} answered, ${lost} lost, ${duplicated} doubled, ${recordFaults} record faults`,
    );
  },
});
const { verdict, faults, form, kills, trace } = report;
const total = Object.values(kills).reduce((sum, count) => sum + count, 0);
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else {
  const kinds = Object.entries(kills).map(([kind, count]) => `${kind} ${count}`);
  process.stdout.write(
    `${total} kills of ${form} actors and what runs them (${kinds.join(", ")})\n${verdict.sent} intents, ${verdict.answered} answered, ${verdict.unanswered} not by their deadline, ${verdict.lost.length} lost, ${verdict.duplicated.length} doubled; ${verdict.records} records followed, ${verdict.recordFaults.length} faults in them\n`,
  );
}
if (faults.length > 0) {
  say(`${faults.slice(0, 20).join("\n")}\n`);
  say(
    `again: npm run chaos -- --minutes ${minutes} --seed ${seed}${values.volatile ? " --volatile" : ""} --every ${everyMs}\nits kills: ${trace}`,
  );
}
process.exit(faults.length === 0 ? 0 : 1);
