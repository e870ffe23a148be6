// How fast a real cell answers signed requests, where the time goes, how long it
// takes to boot and what it keeps in memory.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "../src/client.ts";
import { type BenchCell, startCell, withDataDir } from "./bench-cell.ts";
import { heading, latenciesOf, line, mib, ms, rate } from "./figures.ts";
import { printStages } from "./intake-stages.ts";

const HELLO = join(import.meta.dirname, "..", "deploy", "examples", "hello");
const ACTORS = 10_000;
/** Measured elsewhere, on 2 cores too. */
const MOLECULER_PER_SECOND = 51_000;
const RESTATE_PER_SECOND = 853;
const NATS_REQUEST_MS = 0.24;

export async function run(): Promise<void> {
  await withDataDir(async (dataDir) => {
    heading("boot: from the command to answering");
    const first = await startCell(dataDir, [HELLO]);
    line("first start, makes the cell, applies hello", ms(first.bootMs));
    await first.stop();
    const warm: number[] = [];
    for (let trial = 0; trial < 5; trial += 1) {
      const cell = await startCell(dataDir, [HELLO]);
      warm.push(cell.bootMs);
      await cell.stop();
    }
    const boots = latenciesOf(warm);
    line("start of an existing cell, 5 trials", `p50 ${ms(boots.p50Ms)}  max ${ms(boots.maxMs)}`);

    const cell = await startCell(dataDir, [HELLO]);
    try {
      heading("memory");
      line("idle node, resident", mib(await residentBytes(cell)));
      await measureRequests(cell);
      await measureActors(cell);
    } finally {
      await cell.stop();
    }
  });
  printStages();
}

async function measureRequests(cell: BenchCell): Promise<void> {
  heading("signed request, verified reply: client and node in two processes, broker in a third");
  const client = await connect({ identity: cell.identity });
  try {
    for (const [count, concurrency] of [
      [2_000, 1],
      [20_000, 64],
    ] as const) {
      await sample(client, Math.floor(count / 10), concurrency);
      const { samplesMs, perSecond } = await sample(client, count, concurrency);
      const { p50Ms, p99Ms } = latenciesOf(samplesMs);
      line(
        `${concurrency} in flight, ${count} requests`,
        `${rate(perSecond)}  p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}`,
      );
      if (concurrency === 1)
        line("  unsigned NATS request alone", `x${(p50Ms / NATS_REQUEST_MS).toFixed(1)}`);
      else {
        line("  Moleculer's unsigned calls", `x${(perSecond / MOLECULER_PER_SECOND).toFixed(2)}`);
        line(
          "  Restate's durable calls",
          `x${(perSecond / RESTATE_PER_SECOND).toFixed(1)} (not durable here)`,
        );
      }
    }
  } finally {
    await client.close();
  }
}

type Client = Awaited<ReturnType<typeof connect>>;

async function sample(client: Client, count: number, concurrency: number) {
  const samplesMs: number[] = [];
  const items = Array.from({ length: count }, () => ({
    target: "hello/greeter",
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

async function measureActors(cell: BenchCell): Promise<void> {
  const manifest = join(cell.dataDir, "many.yaml");
  const children = Array.from({ length: ACTORS }, (_, index) =>
    [
      `    - actor: a${index}`,
      `      behaviour: ${HELLO}/greeter.ts#greeter`,
      "      input: { greeting: Hello }",
    ].join("\n"),
  );
  const head = [
    "apiVersion: cell0.dev/v1",
    "kind: ActorGraph",
    "metadata: { name: many }",
    "spec:",
    "  children:",
  ];
  await writeFile(manifest, [...head, ...children, ""].join("\n"));
  const before = await residentBytes(cell);
  const startedAt = performance.now();
  await cell.cli("--timeout", "120s", "apply", manifest, "--yes");
  const elapsedMs = performance.now() - startedAt;
  const after = await residentBytes(cell);
  heading(`${ACTORS.toLocaleString("en")} supervised actors, by manifest`);
  line("apply: parse, plan, place, start, record", ms(elapsedMs));
  line("resident memory for each", `${((after - before) / ACTORS / 1024).toFixed(1)} KiB`);
}

/** Of the node's process, from the system where it says so. */
async function residentBytes(cell: BenchCell): Promise<number> {
  const status = await readFile(`/proc/${await cell.nodePid()}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
