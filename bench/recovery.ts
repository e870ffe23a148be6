// kill -9 of a node to the first intent answered after it, by the client's clock:
//   node bench/recovery.ts [--trials 20] [--actors 1000] [--no-spare] [--with-broker]
// Everything runs on this machine, client included; figures are this machine's.
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type CellClient, connect } from "../src/client.ts";
import { startCell, withDataDir } from "./bench-cell.ts";

const { values } = parseArgs({
  options: {
    trials: { type: "string", default: "20" },
    actors: { type: "string", default: "100" },
    "no-spare": { type: "boolean", default: false },
    "with-broker": { type: "boolean", default: false },
  },
});
const trials = Number(values.trials);
const actors = Number(values.actors);
const spare = !values["no-spare"];
/** A client asks this often. */
const EVERY_MS = 4;
const BEHAVIOURS = join(import.meta.dirname, "..", "test", "integration", "behaviours");

await withDataDir(async (dataDir) => {
  const folder = `${dataDir}-graph`;
  await cp(BEHAVIOURS, folder, { recursive: true });
  const children = Array.from({ length: actors }, (_, n) => ({
    actor: `a${n}`,
    behaviour: "./parrot.ts#parrot",
  }));
  const graph = {
    apiVersion: "cell0.dev/v1",
    kind: "ActorGraph",
    metadata: { name: "live" },
    spec: { children },
  };
  await writeFile(join(folder, "graph.yaml"), JSON.stringify(graph));
  const options = ["--max-restarts", "100000", ...(spare ? [] : ["--no-spare"])];
  const cell = await startCell(dataDir, [join(folder, "graph.yaml"), ...options]);
  const client = await connect({ identity: cell.identity });
  try {
    const times: number[] = [];
    for (let trial = 0; trial < trials; trial++) times.push(await kill(client, dataDir));
    times.sort((a, b) => a - b);
    const at = (share: number) =>
      times[Math.min(times.length - 1, Math.floor(share * times.length))]?.toFixed(0);
    console.log(
      JSON.stringify({
        actors,
        spare,
        withBroker: values["with-broker"],
        trials,
        p50Ms: at(0.5),
        p90Ms: at(0.9),
        p99Ms: at(0.99),
      }),
    );
  } finally {
    await client.close();
    await cell.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

async function kill(client: CellClient, dataDir: string): Promise<number> {
  await answered(client, performance.now());
  const before = await children(dataDir);
  if (spare) while ((await children(dataDir))["node-spare"] === undefined) await delay(20);
  // What was just started is to have settled: it is the spare that is measured, not the set-up.
  await delay(2_000);
  const pids = await children(dataDir);
  const { node = before.node, broker } = pids;
  if (node === undefined || broker === undefined) throw new Error("the cell does not run");
  const killedAt = performance.now();
  process.kill(node.pid, "SIGKILL");
  if (values["with-broker"]) process.kill(broker.pid, "SIGKILL");
  return (await answered(client, killedAt)) - killedAt;
}

/** Asks again and again; when the first of what was sent since is answered. What is refused is nobody's answer. */
async function answered(client: CellClient, sinceMs: number): Promise<number> {
  const first = Promise.withResolvers<number>();
  const late = setTimeout(() => first.reject(new Error("nothing was answered for a minute")), 60_000);
  const timer = setInterval(() => {
    client.request("live/a0", "say", { text: String(sinceMs) }, { timeoutMs: 30_000 }).then(
      () => first.resolve(performance.now()),
      () => {},
    );
  }, EVERY_MS);
  try {
    return await first.promise;
  } finally {
    clearTimeout(late);
    clearInterval(timer);
  }
}

async function children(dataDir: string): Promise<Record<string, { readonly pid: number }>> {
  const lock: { children: Record<string, { pid: number }> } = JSON.parse(
    await readFile(join(dataDir, "lock"), "utf8"),
  );
  return lock.children;
}
