// A cell of the drill's own: made in a temporary directory by the command line, as a
// user's is, run by processes that nobody else has anything to do with, removed at the end.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { portOf } from "../cli/connect-cell.ts";
import { createKernelClient, type KernelClient } from "../cli/kernel-client.ts";
import { type CellClient, connect } from "../client.ts";
import { CellError } from "../errors/cell-error.ts";
import { FailureClass } from "../gen/cell0/v1/events_pb.ts";
import { type DataDir, dataDir } from "../runtime/data-dir.ts";
import type { DrillWord } from "../runtime/drilled.ts";
import { isAlive, readHolder } from "../runtime/lock.ts";
import { packageRoot } from "../runtime/package-info.ts";
import { WORKED_MS } from "../supervisor/cradle/restart-policy.ts";
import { ForeignHand } from "./foreign-hand.ts";
import { type DrilledCell, NODE, NODE_PROCESS, type ProcessName } from "./ports.ts";
import { killTree, signalOwn } from "./processes.ts";

export type CellOptions = {
  /** Text of the manifest that it runs. */
  readonly manifest: string;
  /** Leaves the directory behind, for a look. */
  readonly keep: boolean;
  /** Of the processes; added to this one's. */
  readonly env?: Readonly<Record<string, string>>;
  /** How it differs from a user's cell, beside that it offers faults. */
  readonly words?: readonly DrillWord[];
};

/** A cell that can also be stopped and started again in its directory. */
export type OwnCell = DrilledCell & {
  readonly directory: string;
  /** Identity file of the operator. */
  readonly operatorCreds: string;
  /** Seeds of the broker's account: whoever has them may read all that the broker keeps. */
  readonly brokerAuthority: string;
  /** Stops it in order and starts it again: its counts of failures begin anew. */
  renew(): Promise<void>;
  /** Kills the cradle with -9, as if the machine's own supervisor had, and starts the cell again. */
  revive(): Promise<void>;
};

const UP_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
const REQUEST_MS = 5_000;
const APPLY_MS = 60_000;
const SETPRIV = "/usr/bin/setpriv";
const MAX_OUTPUT = 64 * 1024;
const MAX_DEATHS = 10_000;
/** Remembered of each actor. */
const MAX_EXHAUSTIONS = 64;
/** Between the word that a process is back and its coming here. */
const MARGIN_MS = 50;
const SPARE_WITHIN_MS = 30_000;
/** Deaths of a process within a minute, where its bounds are raised. */
const MAX_RESTARTS = "1000000";

/** @throws CellError what kept the graph from being applied; DRILL_CELL_FAILED */
export async function openCell(options: CellOptions): Promise<OwnCell> {
  const directory = await mkdtemp(join(tmpdir(), "cell0-drill-"));
  const manifest = join(directory, "graph.yaml");
  await writeFile(manifest, options.manifest);
  const remove = async () => {
    if (!options.keep) await rm(directory, { recursive: true, force: true });
  };
  const dir = dataDir(join(directory, "cell"));
  try {
    let running = await up(dir, [manifest], options);
    return {
      directory,
      operatorCreds: dir.operatorCreds,
      brokerAuthority: dir.brokerAuthority,
      ...callsOf(dir, () => running),
      async renew() {
        await running.stop();
        running = await up(dir, [], options);
      },
      async revive() {
        await running.kill();
        running = await up(dir, [], options);
      },
      async stop() {
        await running.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

type Running = {
  readonly cradle: number;
  readonly client: CellClient;
  readonly kernel: KernelClient;
  readonly foreign: ForeignHand;
  readonly output: Output;
  /** When an actor had no memory left, by its path; Unix milliseconds. */
  readonly exhausted: ReadonlyMap<string, readonly number[]>;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

function callsOf(dir: DataDir, running: () => Running): Omit<DrilledCell, "stop"> {
  const pid = async (name: ProcessName): Promise<number> => {
    const found = (await readHolder(dir))?.children[name];
    if (found !== undefined && isAlive(found)) return found.pid;
    throw new CellError("DRILL_CELL_FAILED", `no ${name} runs`, { where: dir.root });
  };
  /** They never change. Asking each time would warm the node up right before it is to recover. */
  const shards = new Map<string, number>();
  const request: DrilledCell["request"] = async (target, intent, payload, timeoutMs) =>
    (await running().client.request(target, intent, payload, { timeoutMs })).value;
  return {
    request,
    incarnation: async (path) => (await running().kernel.actor(NODE, path)).incarnation,
    pid,
    deaths: () => [...running().output.deaths],
    exhaustedAt(whose, sinceUnixMs) {
      const { output, exhausted } = running();
      const all = whose === NODE_PROCESS ? output.nodeDeaths : (exhausted.get(whose) ?? []);
      return all.find((atUnixMs) => atUnixMs >= sinceUnixMs);
    },
    signal: (pids, signal) => signalOwn(pids, signal, running().cradle),
    fault: (intent, payload) => request(`kernel/${NODE}/drill`, intent, payload, REQUEST_MS),
    async overwriteCommit(path) {
      const shard = shards.get(path) ?? (await running().kernel.actor(NODE, path)).shard;
      if (shard === undefined) throw new CellError("DRILL_CELL_FAILED", "it is in no shard", { where: path });
      shards.set(path, shard);
      return await running().foreign.overwrite({ path, shard });
    },
    restartKernel: () => running().kernel.rebuild(NODE),
    start: async (path) => void (await running().kernel.steer(NODE, "start", path)),
    spareBeside: (pid) => spareBeside(running().output, pid),
  };
}

type Surroundings = Pick<CellOptions, "env" | "words">;

async function up(dir: DataDir, manifests: readonly string[], options: Surroundings): Promise<Running> {
  const child = spawnUp(dir, manifests, options);
  const output = gather(child);
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    const killer = setTimeout(() => killTree(child.pid), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(killer);
  };
  try {
    await untilUp(output, exited);
    const client = await connect({ identity: dir.operatorCreds });
    const kernel = kernelOf(client);
    const foreign = await ForeignHand.open(dir);
    const close = () => Promise.all([client.close(), foreign.close()]);
    return {
      cradle: child.pid ?? 0,
      client,
      kernel,
      foreign,
      output,
      exhausted: followExhaustion(client),
      async stop() {
        await close();
        await end();
      },
      async kill() {
        await close();
        child.kill("SIGKILL");
        await exited;
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Until the client is closed. */
function followExhaustion(client: CellClient): ReadonlyMap<string, readonly number[]> {
  const exhausted = new Map<string, number[]>();
  const follow = async () => {
    for await (const { actor, time, kind } of client.events({ kind: "actorCrashed" })) {
      if (kind.case !== "actorCrashed" || kind.value.failure !== FailureClass.EXHAUSTION) continue;
      const all = exhausted.get(actor) ?? [];
      exhausted.set(actor, [...all.slice(1 - MAX_EXHAUSTIONS), Number(time?.unixMs ?? 0n)]);
    }
  };
  // Without them a recovery counts from the intent that began it.
  follow().catch(() => undefined);
  return exhausted;
}

/** On Linux the system itself ends the cell when the drill is killed. */
function spawnUp(
  dir: DataDir,
  manifests: readonly string[],
  { env = {}, words = [] }: Surroundings,
): ChildProcess {
  const launcher = join(packageRoot, "bin", "cell0.mjs");
  const bounds = words.includes("raised") ? ["--max-restarts", MAX_RESTARTS] : [];
  const up = ["--data-dir", dir.root, "--json", "up", ...bounds, ...manifests];
  const command = [process.execPath, launcher, ...up];
  const guarded = process.platform === "linux" && existsSync(SETPRIV);
  const [program = "", ...args] = guarded ? [SETPRIV, "--pdeathsig", "TERM", "--", ...command] : command;
  return spawn(program, args, {
    env: { ...ownEnvironment(), ...env, CELL0_DRILL: ["1", ...words].join(",") },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Without what names a cell of the user's. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(CELL0_(DATA_DIR|NATS|CREDS)|NODE_OPTIONS|FORCE_COLOR)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

type Output = {
  text: string;
  changed: PromiseWithResolvers<void>;
  readonly deaths: string[];
  /** Of the node's process, Unix milliseconds. */
  readonly nodeDeaths: number[];
  /** Of the process that was last said to stand by. */
  standsBy: number | undefined;
  /** When some process was last said to be back. */
  recoveredAtMs: number;
};

function gather(child: ChildProcess): Output {
  const output: Output = {
    text: "",
    changed: Promise.withResolvers(),
    deaths: [],
    nodeDeaths: [],
    standsBy: undefined,
    recoveredAtMs: Number.NEGATIVE_INFINITY,
  };
  for (const stream of [child.stdout, child.stderr]) {
    let pending = "";
    stream?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (pending + text).split("\n");
      pending = (lines.pop() ?? "").slice(-MAX_OUTPUT);
      for (const line of lines) note(output, line);
      output.text = (output.text + text).slice(-MAX_OUTPUT);
      output.changed.resolve();
      output.changed = Promise.withResolvers();
    });
  }
  return output;
}

function note(output: Output, line: string): void {
  const [, name, cause = ""] =
    /^\{"recovered":"(\w+)".*?(?:"cause":"((?:[^"\\]|\\.)*)")?\}$/.exec(line) ?? [];
  if (name !== undefined) output.recoveredAtMs = performance.now();
  if (name !== undefined && output.deaths.length < MAX_DEATHS) output.deaths.push(`${name}: ${cause}`);
  const [, diedAtUnixMs] = /^\{"recovered":"node".*?"diedAtUnixMs":([0-9.]+)/.exec(line) ?? [];
  if (diedAtUnixMs !== undefined && output.nodeDeaths.length < MAX_DEATHS)
    output.nodeDeaths.push(Number(diedAtUnixMs));
  const [, pid] = /^\{"standsBy":"node","pid":([0-9]+)\}$/.exec(line) ?? [];
  if (pid !== undefined) output.standsBy = Number(pid);
}

/**
 * Also until the process that is back has worked for a while: those that die sooner are deaths in
 * a row, and started again later and later. @throws CellError DRILL_CELL_FAILED when none comes
 */
async function spareBeside(output: Output, pid: number): Promise<void> {
  const late = Symbol("late");
  const timer = timeout(SPARE_WITHIN_MS, late);
  // What was said of the first process, when it stood by itself, is said of no spare.
  while (output.standsBy === undefined || output.standsBy === pid || !isThere(output.standsBy)) {
    if ((await Promise.race([output.changed.promise, timer])) !== late) continue;
    throw new CellError("DRILL_CELL_FAILED", "no second process of the node stands by");
  }
  await timeout(output.recoveredAtMs + WORKED_MS + MARGIN_MS - performance.now(), undefined);
}

/** @throws CellError the first coded error that it printed, DRILL_CELL_FAILED */
async function untilUp(output: Output, exited: Promise<void>): Promise<void> {
  const ended = exited.then(() => "ended" as const);
  const late = timeout(UP_TIMEOUT_MS, "late" as const);
  for (;;) {
    const failed = codedError(output.text);
    if (failed !== undefined) throw failed;
    if (output.text.includes('"up":true')) return;
    const turn = await Promise.race([output.changed.promise, ended, late]);
    if (turn === undefined) continue;
    throw (
      codedError(output.text) ?? new CellError("DRILL_CELL_FAILED", `${turn}: ${output.text.slice(-2_000)}`)
    );
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const timeout = <T>(ms: number, value: T): Promise<T> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(value), Math.max(0, ms)).unref();
  });

/** Of `{"error": {"code": ..., "message": ...}}`, or the first of `{"problems": [...]}`. */
function codedError(text: string): CellError | undefined {
  for (const line of text.split("\n")) {
    const code = /"code":"([A-Z_]+)"/.exec(line)?.[1];
    const message = /"message":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
    if (code !== undefined && /^\{"(?:error|problems)":/.test(line)) {
      return new CellError("DRILL_CELL_FAILED", `${code}: ${message ?? ""}`, { details: { code } });
    }
  }
  return undefined;
}

const kernelOf = (client: CellClient): KernelClient =>
  createKernelClient(portOf(client), { requestMs: REQUEST_MS, applyMs: APPLY_MS });
