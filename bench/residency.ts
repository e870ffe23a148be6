// Many durable actors of which few are awake, in a real cell: what they cost to apply and to
// have, how long who sleeps takes to answer, and how long a node that is killed.
//   npm run bench -- residency [--actors 100000] [--awake 1000] [--seconds 20]
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type CellClient, connect } from "../src/client.ts";
import { type BenchCell, startCell, withDataDir } from "./bench-cell.ts";
import { latenciesOf, line, mib, ms, rate } from "./figures.ts";

const GREETER = join(import.meta.dirname, "greeter.ts");
/** Actors of one manifest, which may have 4 MiB. */
const PART = 10_000;
const PASSIVATE_S = 10;
const APPLY_MINUTES = 5;
const MAX_ATTEMPTS = 3;
/** Asked at a time: of those that sleep, and of those that are awake. */
const WAKING = 16;
const ASKED = 64;
const RESTARTS = 3;

type Given = { readonly actors: number; readonly awake: number; readonly seconds: number };
type Sample = { readonly samplesMs: readonly number[]; readonly perSecond: number };

export async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      actors: { type: "string", default: "100000" },
      awake: { type: "string", default: "1000" },
      seconds: { type: "string", default: "20" },
    },
  });
  const given = {
    actors: Number(values.actors),
    awake: Number(values.awake),
    seconds: Number(values.seconds),
  };
  const folder = await mkdtemp(join(tmpdir(), "cell0-bench-residency-"));
  try {
    await withDataDir((dataDir) => measure(dataDir, folder, given));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(dataDir: string, folder: string, given: Given): Promise<void> {
  const cell = await startCell(dataDir, [], ["--max-restarts", "100"]);
  const client = await connect({ identity: cell.identity });
  try {
    const emptyBytes = await residentBytes(await cell.nodePid());
    line("node without actors", mib(emptyBytes));
    await apply(cell, folder, given.actors);
    const asleepAfterMs = await untilAsleep(cell);
    line("all asleep", `after ${ms(asleepAfterMs)}`);
    await memory("node, all asleep", cell, emptyBytes, given.actors);
    await load(cell, client, given);
    await memory(`node, ${given.awake} awake`, cell, emptyBytes, given.actors);
    await restarts(cell, client, given);
    await memory("node after that, promoted", cell, emptyBytes, given.actors);
  } finally {
    await client.close();
    await cell.stop();
  }
}

async function apply(cell: BenchCell, folder: string, actors: number): Promise<void> {
  const startedAt = performance.now();
  for (let from = 0; from < actors; from += PART) {
    const partAt = performance.now();
    const file = join(folder, `part-${from / PART}.yaml`);
    await writeFile(file, manifestOf(from, Math.min(actors, from + PART)));
    await applyPart(cell, file);
    line(`  applied, up to ${Math.min(actors, from + PART)}`, ms(performance.now() - partAt));
  }
  const elapsedMs = performance.now() - startedAt;
  line(`${actors} durable actors applied`, `${ms(elapsedMs)}  ${rate(actors / (elapsedMs / 1_000))}`);
}

/** Again when the node died of it, as one may on a machine that is busy with other work; that is told. */
async function applyPart(cell: BenchCell, file: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const before = cell.deaths().length;
    try {
      await cell.cli("apply", "--yes", "--timeout", `${APPLY_MINUTES}m`, file);
      return;
    } catch (error) {
      const deaths = cell.deaths().slice(before);
      if (deaths.length === 0 || attempt === MAX_ATTEMPTS) throw error;
      line("  the node died while it applied", deaths.join("; "));
    }
  }
}

const pathOf = (at: number): string => `bench-${Math.floor(at / PART)}/a${at}`;

/** JSON is YAML. */
function manifestOf(from: number, to: number): string {
  const children = Array.from({ length: to - from }, (_, at) => ({
    ...{ actor: `a${from + at}`, behaviour: `${GREETER}#greeter` },
    ...{ durable: true, passivate: `${PASSIVATE_S}s` },
  }));
  const metadata = { name: `bench-${from / PART}` };
  return JSON.stringify({ apiVersion: "cell0.dev/v1", kind: "ActorGraph", metadata, spec: { children } });
}

/** Wakes so many, one here and one there, then asks them in turn. */
async function load(cell: BenchCell, client: CellClient, { actors, awake, seconds }: Given): Promise<void> {
  const step = Math.floor(actors / awake);
  const targets = Array.from({ length: awake }, (_, at) => pathOf(at * step));
  const waking = await ask(client, targets, WAKING);
  told(`first answer of one that slept, ${WAKING} at a time`, waking);
  const steady: number[] = [];
  const startedAt = performance.now();
  while (performance.now() - startedAt < seconds * 1_000) {
    steady.push(...(await ask(client, targets, ASKED)).samplesMs);
  }
  const perSecond = steady.length / ((performance.now() - startedAt) / 1_000);
  told(`answer of one that is awake, ${ASKED} at a time`, { samplesMs: steady, perSecond });
  line("awake under this load", String(await awakeIn(cell)));
}

function told(what: string, { samplesMs, perSecond }: Sample): void {
  const { p50Ms, p99Ms, maxMs } = latenciesOf(samplesMs);
  line(what, `${rate(perSecond)}  p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}  max ${ms(maxMs)}`);
}

async function ask(client: CellClient, targets: readonly string[], concurrency: number): Promise<Sample> {
  const samplesMs: number[] = [];
  const items = targets.map((target) => ({
    target,
    intent: "greet",
    payload: { name: "Ada" },
    options: { timeoutMs: 60_000 },
  }));
  const { elapsedMs, failed } = await client.many(items, {
    concurrency,
    onResult: (result) => samplesMs.push(result.elapsedMs),
  });
  if (failed > 0) throw new Error(`${failed} of ${items.length} requests failed`);
  return { samplesMs, perSecond: items.length / (elapsedMs / 1_000) };
}

/** kill -9 of the node to the first answer of an actor that is asked after it. */
async function restarts(cell: BenchCell, client: CellClient, { actors }: Given): Promise<void> {
  for (let trial = 0; trial < RESTARTS; trial++) {
    const spare = await untilSpare(cell);
    const pid = await cell.nodePid();
    const killedAt = performance.now();
    process.kill(pid, "SIGKILL");
    const target = pathOf(Math.floor((actors * (trial + 1)) / (RESTARTS + 1)));
    await client.request(target, "greet", { name: "Ada" }, { timeoutMs: 120_000 });
    const { elapsedMs, by } = { elapsedMs: performance.now() - killedAt, by: spare ? "spare" : "cold" };
    line(`kill -9 of the node to an answer (${by})`, ms(elapsedMs));
  }
}

/** Whether a second process stands by within a minute; it has settled then. */
async function untilSpare(cell: BenchCell): Promise<boolean> {
  const until = performance.now() + 60_000;
  while ((await cell.pids())["node-spare"] === undefined) {
    if (performance.now() > until) return false;
    await delay(50);
  }
  await delay(10_000);
  return true;
}

async function memory(what: string, cell: BenchCell, emptyBytes: number, actors: number): Promise<void> {
  const bytes = await residentBytes(await cell.nodePid());
  line(what, `${mib(bytes)}, ${((bytes - emptyBytes) / 1_024 / actors).toFixed(2)} KiB for each actor`);
}

async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? Number.NaN) * 1_024;
}

async function untilAsleep(cell: BenchCell): Promise<number> {
  const startedAt = performance.now();
  while ((await awakeIn(cell)) > 0) await delay(500);
  return performance.now() - startedAt;
}

async function awakeIn(cell: BenchCell): Promise<number> {
  const rows = await cell.cli("get", "nodes");
  const status: unknown = Reflect.get(Object(Array.isArray(rows) ? rows[0] : undefined), "status");
  return Number(Reflect.get(Object(status), "awake"));
}
