// Durable actors in a real cell: journaled, applied, committed and answered, beside the
// same actor volatile. Client and node in two processes, the broker in a third.
//   npm run bench -- durable
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../src/client.ts";
import { startCell, withDataDir } from "./bench-cell.ts";
import { heading, latenciesOf, line, ms, rate } from "./figures.ts";

const GREETER = join(import.meta.dirname, "..", "deploy", "examples", "hello", "greeter.ts");
const ACTORS = 16;
const RESTATE_PER_SECOND = 853;

type Client = Awaited<ReturnType<typeof connect>>;

export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cell0-bench-durable-"));
  try {
    const manifest = join(folder, "bench.yaml");
    await writeFile(manifest, manifestText());
    await withDataDir(async (dataDir) => {
      const cell = await startCell(dataDir, [manifest]);
      const client = await connect({ identity: cell.identity });
      try {
        await measure(client, "volatile, one actor", ["bench/volatile"]);
        await measure(client, "durable, one actor", ["bench/d0"]);
        const all = Array.from({ length: ACTORS }, (_, index) => `bench/d${index}`);
        await measure(client, `durable, ${ACTORS} actors`, all);
      } finally {
        await client.close();
        await cell.stop();
      }
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

async function measure(client: Client, name: string, targets: readonly string[]): Promise<void> {
  heading(name);
  for (const [count, concurrency] of [
    [1_000, 1],
    [10_000, 64],
  ] as const) {
    await sample(client, targets, Math.floor(count / 10), concurrency);
    const { samplesMs, perSecond } = await sample(client, targets, count, concurrency);
    const { p50Ms, p99Ms } = latenciesOf(samplesMs);
    line(`${concurrency} in flight`, `${rate(perSecond)}  p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}`);
    if (concurrency > 1) line("  Restate's object calls", `x${(perSecond / RESTATE_PER_SECOND).toFixed(1)}`);
  }
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
