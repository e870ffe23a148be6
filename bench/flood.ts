// What a hostile client does to the others: honest traffic beside a process that works as hard and
// sends nothing, and under each of his floods, in the same run. First through his own connection, as the
// broker's permissions leave it to him; then as somebody to whom the broker denies nothing, who forges
// under the names of others.
//   npm run bench -- flood ["another actor"]
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { constants, setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { portOf } from "../src/cli/connect-cell.ts";
import { createKernelClient, type KernelClient } from "../src/cli/kernel-client.ts";
import { type CellClient, connect } from "../src/client.ts";
import { parseCreds } from "../src/security/identity/creds-file.ts";
import { type BenchCell, residentBytes, startCell, withDataDir } from "./bench-cell.ts";
import { unwrap } from "./bench-trust.ts";
import { heading, line, mib, ms, rate } from "./figures.ts";
import type { Flood, FlooderWord, FloodOrder, FloodResult, Sender } from "./flooder.ts";
import { HONEST_PER_SECOND, type Honest, honestTraffic, untilNormal } from "./honest.ts";
import { certifyClients, openBus } from "./open-bus.ts";
import { cpuOf } from "./process-cpu.ts";

/** Runs a program only while nothing else would run. */
const CHRT = "/usr/bin/chrt";
const FLOODER = join(import.meta.dirname, "flooder.ts");
/** Whom the honest ask. */
const GREETER = "hello/greeter";
const BUSY = "hello/busy";
/** One for each flood: who flooded before is kept out still. */
const HOSTILE = ["mallory", "mallory-2", "mallory-3", "mallory-4", "mallory-5"];
/** Whom nobody may ask. */
const GUARDED = "hello/guarded";
const BEHAVIOUR = join(import.meta.dirname, "..", "deploy", "examples", "hello", "greeter.ts#greeter");
const MEASURED_MS = 8_000;
/** Of a flood, measured by itself: within them it is noticed, and kept away from the broker. */
const NOTICING_MS = 4_000;
/** What the issue demands of a hostile client whom the outer fence holds. */
const BOUND = 2;
const VICTIMS = 16;

/** Only floods in whose description this stands. */
const [, , , only = ""] = process.argv;

type Scene = {
  readonly cell: BenchCell;
  readonly node: string;
  readonly honest: CellClient;
  readonly kernel: KernelClient;
};
type Attack = { readonly what: string; readonly order: FloodOrder };

export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cell0-bench-flood-"));
  try {
    await withDataDir((dataDir) => inCell(dataDir, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inCell(dataDir: string, folder: string): Promise<void> {
  const manifest = join(folder, "hello.yaml");
  await writeFile(manifest, manifestText());
  const cell = await startCell(dataDir, [manifest], ["--no-spare"]);
  const file = (name: string) => join(folder, `${name}.creds`);
  for (const name of ["ann", ...HOSTILE])
    await cell.cli("client", "add", name, "--target", GREETER, BUSY, "--out", file(name));
  const honest = await connect({ identity: file("ann") });
  const operator = await connect({ identity: cell.identity });
  try {
    const [{ node = "" } = {}] = await kernelOf(operator).nodes();
    const scene = { cell, node, honest, kernel: kernelOf(operator) };
    heading(
      `honest traffic: ${HONEST_PER_SECOND} requests a second for ${MEASURED_MS / 1000} s, from when each was due`,
    );
    await honestTraffic(honest, MEASURED_MS);
    const quiet = await honestTraffic(honest, MEASURED_MS);
    line("p50 and p99 with nothing beside it", `${ms(quiet.p50Ms)}  ${ms(quiet.p99Ms)}`);
    for (const attack of await attacks(cell, HOSTILE.map(file), file("ann")))
      if (attack.what.includes(only)) await measure(scene, attack);
  } finally {
    await honest.close();
    await operator.close();
    await cell.stop();
  }
}

const kernelOf = (client: CellClient): KernelClient =>
  createKernelClient(portOf(client), { requestMs: 60_000, applyMs: 60_000 });

async function attacks(
  cell: BenchCell,
  hostileFiles: readonly string[],
  honestFile: string,
): Promise<readonly Attack[]> {
  const victims = await certifyClients(cell, VICTIMS);
  const bus = await openBus(cell);
  await bus.nats.close();
  const honest = unwrap(parseCreds(await readFile(honestFile, "utf8")));
  const { cell: name, genesis, broker } = honest;
  const sender = (of: { readonly principal: string; readonly key: Uint8Array }): Sender => ({
    principal: of.principal,
    seed: Buffer.from(of.key).toString("base64"),
  });
  const attack = (
    what: string,
    flood: Flood,
    creds: string,
    senders: readonly Sender[],
    target = GREETER,
  ): Attack => ({
    what,
    order: {
      flood,
      target,
      url: broker,
      creds,
      cell: name,
      genesisHash: Buffer.from(genesis.hash).toString("base64"),
      senders,
    },
  });
  const others = victims.map(({ principal, seed }) => sender({ principal, key: seed }));
  const own = await Promise.all(hostileFiles.map((path) => readFile(path, "utf8")));
  const closed = (index: number, what: string, flood: Flood, target = GREETER): Attack => {
    const creds = own[index] ?? "";
    const hostile = sender(unwrap(parseCreds(creds)));
    return attack(`outer fence closed: ${what}`, flood, creds, [hostile], target);
  };
  const open = "outer fence open: forged under";
  return [
    attack("nobody listens: what the machine and the broker make of it", "unheard", bus.creds, others),
    closed(0, "new intents, 64 under one signature, for another actor", "new", BUSY),
    closed(1, "new intents, 64 under one signature, for the honest one's actor", "new"),
    closed(2, "intents that are sent again and again", "repeated"),
    closed(3, "intents that nothing allows", "ungranted", GUARDED),
    closed(4, "garbage", "garbage"),
    attack(`${open} ${VICTIMS} others' names`, "forged", bus.creds, others),
    attack(`${open} the honest one's name`, "forged", bus.creds, [sender(honest)]),
  ];
}

async function measure(scene: Scene, { what, order }: Attack): Promise<void> {
  const { cell, honest } = scene;
  const before = await besideSilent(honest, order);
  const pids = await cell.pids();
  const judgedBefore = await judged(scene);
  const memoryBefore = await residentBytes(cell);
  const flooder = await startFlooder(order);
  const first = await honestTraffic(honest, NOTICING_MS);
  const cpuBefore = await cpuOf({ node: pids.node, broker: pids.broker, flooder: flooder.pid });
  const during = await honestTraffic(honest, MEASURED_MS);
  const cpuAfter = await cpuOf({ node: pids.node, broker: pids.broker, flooder: flooder.pid });
  const memory = await residentBytes(cell);
  const sent = await flooder.stop();
  const recovery = await untilNormal(honest, BOUND * before.p99Ms);
  const judgedNow = await judged(scene);
  heading(what);
  line("honest p50 and p99 beside who sends nothing", `${ms(before.p50Ms)}  ${ms(before.p99Ms)}`);
  line(
    "  under the flood, later than 4 s",
    `${ms(during.p50Ms)}  ${ms(during.p99Ms)}  max ${ms(during.maxMs)}${failures(during)}`,
  );
  line(
    "  in its first 4 s",
    `${ms(first.p50Ms)}  ${ms(first.p99Ms)}  max ${ms(first.maxMs)}${failures(first)}`,
  );
  line("  ratio of the p99", ratioText(order, during.p99Ms / before.p99Ms));
  const seconds = sent.elapsedMs / 1000;
  line(
    "sent by the hostile client",
    `${rate(sent.capsules / seconds)} in ${rate(sent.messages / seconds)} messages, ${sent.connections} connections`,
  );
  line("  of which the node judged", rateOf(judgedBefore, judgedNow, seconds));
  const cores = Object.entries(cpuAfter).map(
    ([name, us]) =>
      `${name} ${(((us ?? Number.NaN) - (cpuBefore[name] ?? Number.NaN)) / 1000 / MEASURED_MS).toFixed(2)}`,
  );
  line("  cores in use", cores.join(", "));
  line("resident memory before and under it", `${mib(memoryBefore)}  ${mib(memory)}`);
  line(
    "from its end until honest p99 is normal",
    recovery === undefined
      ? "NOT WITHIN A MINUTE"
      : `${ms(recovery)} (20 in a row within ${BOUND} x p99 before)`,
  );
}

function ratioText({ flood }: FloodOrder, ratio: number): string {
  const text = `x${ratio.toFixed(1)}`;
  if (flood === "unheard" || flood === "forged") return text;
  return `${text}, bound x${BOUND}: ${ratio <= BOUND ? "held" : "MISSED"}`;
}

/** A process that works as hard as the hostile one, and sends nothing. */
async function besideSilent(honest: CellClient, order: FloodOrder): Promise<Honest> {
  const silent = await startFlooder({ ...order, flood: "silent" });
  const result = await honestTraffic(honest, MEASURED_MS);
  await silent.stop();
  return result;
}

const failures = ({ failed }: Honest): string =>
  Object.entries(failed)
    .map(([code, count]) => `  ${count} ${code}`)
    .join("");

type Judged = ReadonlyMap<string, number>;

/** What the node has refused, by code, and how many intents its actors began, so far. */
async function judged({ kernel, node }: Scene): Promise<Judged> {
  const { refusals } = await kernel.status(node);
  const [greeter, busy] = await Promise.all([kernel.actor(node, GREETER), kernel.actor(node, BUSY)]);
  return new Map([["begun", (greeter.handled ?? 0) + (busy.handled ?? 0)], ...Object.entries(refusals)]);
}

/** Honest requests among them. */
function rateOf(before: Judged, after: Judged, seconds: number): string {
  const rates = [...after].flatMap(([name, count]) => {
    const more = count - (before.get(name) ?? 0);
    return more === 0 ? [] : [`${name} ${rate(more / seconds)}`];
  });
  return rates.join(", ");
}

/**
 * The hostile client has a machine of its own in life: here its process gives way to all others. Even so
 * it takes something of theirs, which is why they are measured beside one that sends nothing, too.
 */
async function startFlooder(order: FloodOrder) {
  const idle = existsSync(CHRT) ? { execPath: CHRT, execArgv: ["--idle", "0", process.execPath] } : {};
  const child = fork(FLOODER, [], idle);
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`the flooder ended with ${code ?? signal}`);
  });
  ended.catch(() => {});
  const next = async (): Promise<FlooderWord> => {
    const [word]: FlooderWord[] = await Promise.race([once(child, "message"), ended]);
    if (word === undefined || word.kind === "failed") throw new Error(word?.why);
    return word;
  };
  const begun = next();
  child.send(order);
  await begun;
  return {
    pid: child.pid,
    async stop(): Promise<FloodResult> {
      const done = next();
      child.send("stop");
      const word = await done;
      child.disconnect();
      if (word.kind !== "done") throw new Error(`not done, but ${word.kind}`);
      return word.result;
    },
  };
}

function manifestText(): string {
  const child = (actor: string) => ({
    actor,
    behaviour: BEHAVIOUR,
    input: { greeting: "Hello" },
  });
  const head = { apiVersion: "cell0.dev/v1", kind: "ActorGraph", metadata: { name: "hello" } };
  return JSON.stringify({ ...head, spec: { children: ["greeter", "busy", "guarded"].map(child) } });
}
