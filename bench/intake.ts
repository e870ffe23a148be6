// How fast a real cell answers signed requests, beside others; where the time goes, how long it
// takes to boot and what it keeps in memory.
//   npm run bench -- intake
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchCell, residentBytes, startCell, withDataDir } from "./bench-cell.ts";
import { heading, latenciesOf, line, mib, ms } from "./figures.ts";
import { measureManyClients } from "./intake-clients.ts";
import { measureRates } from "./intake-rates.ts";
import { printStages } from "./intake-stages.ts";

const HELLO = join(import.meta.dirname, "..", "deploy", "examples", "hello");
const ACTORS = 10_000;

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
      await measureRates(cell);
      await measureManyClients(cell);
      await measureActors(cell);
    } finally {
      await cell.stop();
    }
  });
  printStages();
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
