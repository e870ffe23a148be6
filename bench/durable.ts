// Durable actors in a real cell: journaled, applied, committed and answered, beside the
// same actor volatile. Client and node in two processes, the broker in a third.
//   npm run bench -- durable
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../src/client.ts";
import { startCell, withDataDir } from "./bench-cell.ts";
import { heading, latenciesOf, line, ms, rate } from "./figures.ts";
import { cpuOf, cpuText } from "./process-cpu.ts";

const GREETER = join(import.meta.dirname, "..", "deploy", "examples", "hello", "greeter.ts");
const ACTORS = 16;
const RESTATE_PER_SECOND = 853;
/** Both sides are compiled by then: before, a run measures the compiler. */
const RUNS = [
  { concurrency: 1, warmUp: 1_000, count: 3_000 },
  { concurrency: 64, warmUp: 40_000, count: 60_000 },
] as const;

type Client = Awaited<ReturnType<typeof connect>>;
type Traffic = ReturnType<Client["traffic"]>;

export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cell0-bench-durable-"));
  try {
    const manifest = join(folder, "bench.yaml");
    await writeFile(manifest, manifestText());
    await inCell(manifest, [], async (bench) => {
      await measure(bench, "volatile, one actor", ["bench/volatile"]);
      await measure(bench, "durable, one actor", ["bench/d0"]);
      await measure(bench, `durable, ${ACTORS} actors`, allTargets);
    });
    await inCell(manifest, ["--broker-sync", "always"], async (bench) => {
      await measure(bench, "durable, one actor, a broker that survives power loss", ["bench/d0"]);
      await measure(bench, `durable, ${ACTORS} actors, a broker that survives power loss`, allTargets);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Bench = { readonly client: Client; readonly pids: Readonly<Record<string, number | undefined>> };

const allTargets = Array.from({ length: ACTORS }, (_, index) => `bench/d${index}`);

function inCell(
  manifest: string,
  options: readonly string[],
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  return withDataDir(async (dataDir) => {
    const cell = await startCell(dataDir, [manifest], options);
    const client = await connect({ identity: cell.identity });
    try {
      const { node, broker } = await cell.pids();
      await work({ client, pids: { node, client: process.pid, broker } });
    } finally {
      await client.close();
      await cell.stop();
    }
  });
}

function manifestText(): string {
  const child = (actor: string, durable: boolean) =>
    `    - { actor: ${actor}, behaviour: "${GREETER}#greeter", input: { greeting: Hello }, durable: ${durable} }`;
  const durable = Array.from({ length: ACTORS }, (_, index) => child(`d${index}`, true));
  const head = [
    "apiVersion: cell0.dev/v1",
    "kind: ActorGraph",
    "metadata: { name: bench }",
    "spec:",
    "  children:",
  ];
  return [...head, child("volatile", false), ...durable, ""].join("\n");
}

async function measure({ client, pids }: Bench, name: string, targets: readonly string[]): Promise<void> {
  heading(name);
  for (const { count, warmUp, concurrency } of RUNS) {
    await sample(client, targets, warmUp, concurrency);
    const before = { cpu: await cpuOf(pids), traffic: client.traffic() };
    const { samplesMs, perSecond } = await sample(client, targets, count, concurrency);
    const after = { cpu: await cpuOf(pids), traffic: client.traffic() };
    const { p50Ms, p99Ms } = latenciesOf(samplesMs);
    line(`${concurrency} in flight`, `${rate(perSecond)}  p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}`);
    line("  CPU for each, all threads", cpuText(before.cpu, after.cpu, count));
    if (concurrency === 1) continue;
    line("  in one message", batchText(before.traffic, after.traffic));
    line("  Restate's object calls", `x${(perSecond / RESTATE_PER_SECOND).toFixed(1)}`);
  }
}

function batchText(before: Traffic, after: Traffic): string {
  const mean = (what: "intents" | "replies", messages: "sentMessages" | "receivedMessages") =>
    ((after[what] - before[what]) / (after[messages] - before[messages])).toFixed(1);
  return `${mean("intents", "sentMessages")} intents, ${mean("replies", "receivedMessages")} replies`;
}

async function sample(client: Client, targets: readonly string[], count: number, concurrency: number) {
  const samplesMs: number[] = [];
  const items = Array.from({ length: count }, (_, index) => ({
    target: targets[index % targets.length] ?? "",
    intent: "greet",
    payload: { name: "Ada" },
  }));
  const { elapsedMs, failed } = await client.many(items, {
    concurrency,
    onResult: (result) => samplesMs.push(result.elapsedMs),
  });
  if (failed > 0) throw new Error(`${failed} of ${count} requests failed`);
  return { samplesMs, perSecond: count / (elapsedMs / 1000) };
}
