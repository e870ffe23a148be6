// A cell as a user runs it: the launcher as a process, with the real broker and
// the real Rust core. A machine that lacks one of them fails here, with what the
// command line says about it. Stopping checks that nothing is left behind.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { createKernelClient, type KernelClient } from "../../src/cli/kernel-client.ts";
import { type CellClient, connect } from "../../src/client.ts";
import { readCellConfig } from "../../src/runtime/cell-config.ts";
import { type DataDir, dataDir } from "../../src/runtime/data-dir.ts";
import { readHolder } from "../../src/runtime/lock.ts";

export const repository = join(import.meta.dirname, "..", "..");
export const LAUNCHER = join(repository, "bin", "cell0.mjs");
const READY_TIMEOUT_MS = 60_000;
/** The grace that `cell0 up` states for what was accepted, and what it takes to end three processes. */
const STOP_TIMEOUT_MS = 20_000;

export type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
/** `up` is the process that was started, which holds the directory; the others are its own. */
export type ProcessName = "up" | "cradle" | "broker" | "core" | "node" | "node-spare";

export type LiveCell = {
  readonly dir: DataDir;
  /** Everything that `up` has printed so far, both streams. */
  output(): string;
  /** Milliseconds from the start of the process to its word that it answers. */
  readonly readyMs: number;
  /** Runs the command line on this cell. */
  cli(...args: readonly string[]): Promise<Outcome>;
  /** The last JSON line of a command that succeeds. */
  json(...args: readonly string[]): Promise<unknown>;
  /** The operator's. */
  readonly client: CellClient;
  readonly kernel: KernelClient;
  pid(name: ProcessName): Promise<number>;
  /** kill -9, then waits until it is gone. */
  kill(name: ProcessName): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Nobody reads any more what `up` prints. */
  closeOutput(): void;
  /** Resolves with the exit code of `up`. */
  readonly exited: Promise<number | null>;
  /** Ctrl-C; waits for the end, and throws when a process, a socket, a lock or an open port is left. */
  stop(): Promise<void>;
};

export type LiveCellOptions = {
  /** Default: a fresh one, removed by `stop`. */
  readonly directory?: string;
  /** Further arguments of `up`: manifests and options. */
  readonly up?: readonly string[];
  /** Without it, `up` prints for people; default true. */
  readonly json?: boolean;
  readonly cwd?: string;
  /** Whether a second node process stands by; default false, for it takes a processor while a test runs. */
  readonly spare?: boolean;
  /** Identity file of the operator, of a node that joins and has none. */
  readonly operator?: string;
};

export async function startCell(options: LiveCellOptions = {}): Promise<LiveCell> {
  const directory = options.directory ?? (await makeDirectory());
  const dir = dataDir(join(directory, "cell"));
  const startedAt = performance.now();
  const json = options.json ?? true;
  const child = start(["--data-dir", dir.root, ...(json ? ["--json"] : []), "up", ...upArguments(options)], {
    cwd: options.cwd,
  });
  const output = gather(child);
  const exited = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null));
  const end = async (error: unknown): Promise<never> => {
    child.kill("SIGINT");
    await exited;
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    throw error;
  };
  await untilReady(child, output, dir).catch(end);
  const readyMs = performance.now() - startedAt;
  const client = await connect({ identity: options.operator ?? dir.operatorCreds }).catch(end);
  const kernel = createKernelClient(
    {
      cell: client.cell,
      principal: client.principal,
      stream: (target, intent, payload, send) => client.stream(target, intent, payload, send),
      send: async (target, intent, payload, send) => (await client.send(target, intent, payload, send)).id,
      events: (signal) => client.events({ signal }),
      close: () => client.close(),
    },
    { requestMs: 5_000, applyMs: 30_000 },
  );
  await requireApplied(kernel, dir, options, output).catch(async (error: unknown) => {
    await client.close();
    return await end(error);
  });
  const cli = (...args: readonly string[]) => cell0(["--data-dir", dir.root, ...args], { cwd: options.cwd });
  const pid = (name: ProcessName) => pidOf(dir, name);
  return {
    dir,
    readyMs,
    output: () => output.text,
    cli,
    async json(...args) {
      const { code, stdout, stderr } = await cli("--json", ...args);
      if (code !== 0) throw new Error(`cell0 ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
      return lastJson(stdout);
    },
    client,
    kernel,
    pid,
    async kill(name) {
      const id = await pid(name);
      process.kill(id, "SIGKILL");
      await vi.waitFor(() => requireGone(name, id), { timeout: 5_000, interval: 5 });
    },
    signal: (name) => void child.kill(name),
    closeOutput() {
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
    exited,
    async stop() {
      await client.close();
      await stopAndCheck(child, exited, dir, output);
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

const upArguments = ({ up = [], spare = false }: LiveCellOptions): readonly string[] =>
  spare ? up : [...up, "--no-spare"];

export const makeDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), "cell0 live-"));

export type RunOptions = {
  readonly cwd?: string | undefined;
  /** Standard input; nothing by default. */
  readonly input?: string;
  /** Beside the surrounding environment. */
  readonly env?: Readonly<Record<string, string>>;
};

/** Runs the command line to its end. */
export async function cell0(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = start(args, options);
  child.stdin?.end(options.input);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code: typeof code === "number" ? code : null, stdout, stderr };
}

/** The last line of an output, as JSON. */
export const lastJson = (stdout: string): unknown => JSON.parse(stdout.trim().split("\n").at(-1) ?? "");

function start(args: readonly string[], { cwd = repository, input, env }: RunOptions): ChildProcess {
  return spawn(process.execPath, [LAUNCHER, ...args], {
    cwd,
    env: { ...userEnvironment(), ...env },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
}

/** Of a shell: without what npm, the test runner and a surrounding cell put there. */
function userEnvironment(): NodeJS.ProcessEnv {
  const own =
    /^(npm_|VITEST|TEST$|NODE_ENV$|NODE_OPTIONS$|CELL0_(DATA_DIR|NATS|CREDS)$|FORCE_COLOR$|NO_COLOR$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

/** `up` goes on when its manifests cannot be applied; a test would ask after actors in vain. */
async function requireApplied(
  kernel: KernelClient,
  dir: DataDir,
  options: LiveCellOptions,
  output: Gathered,
) {
  const named = (options.up ?? []).some((argument) => /\.yaml$|\//.test(argument));
  if (!named || options.up?.includes("--join") === true) return;
  const { node } = await readCellConfig(dir);
  const { revision } = await kernel.status(node);
  if (revision === 0) throw new Error(`the manifests were not applied:\n${output.text}`);
}

type Gathered = { text: string; stdout: string };

function gather(child: ChildProcess): Gathered {
  const gathered = { text: "", stdout: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    gathered.text += text;
    gathered.stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    gathered.text += text;
  });
  return gathered;
}

async function untilReady(child: ChildProcess, output: Gathered, dir: DataDir): Promise<void> {
  const isUp = () => /^\{"up":true|answers after \d+ ms/m.test(output.stdout);
  await vi
    .waitFor(
      () => {
        if (!isUp() && child.exitCode === null && child.signalCode === null) throw new Error("not yet");
      },
      { timeout: READY_TIMEOUT_MS, interval: 10 },
    )
    .catch(() => undefined);
  if (isUp()) return;
  throw new Error(
    `the cell did not come up; \`npm start\` sets up what it needs. It said:\n${output.text}\n${tail(dir.nodeLog)}`,
  );
}

const tail = (path: string): string =>
  existsSync(path) ? `${path}:\n${readFileSync(path, "utf8").slice(-4_000)}` : "";

async function pidOf(dir: DataDir, name: ProcessName): Promise<number> {
  const holder = await readHolder(dir);
  const pid = name === "up" ? holder?.pid : holder?.children[name]?.pid;
  if (pid === undefined) throw new Error(`the lock file names no ${name}: ${JSON.stringify(holder)}`);
  return pid;
}

/** Whether a process runs; one that has ended and waits to be collected does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch (error) {
    // Where there is no /proc, the signal's answer stands.
    return error instanceof Error && "code" in error && error.code === "ENOENT" && !existsSync("/proc");
  }
}

function requireGone(name: string, pid: number): void {
  if (isRunning(pid)) throw new Error(`${name} still runs as process ${pid}`);
}

export function isOpen(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connectSocket({ host: hostname, port: Number(port) });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function stopAndCheck(
  child: ChildProcess,
  exited: Promise<number | null>,
  dir: DataDir,
  output: Gathered,
): Promise<void> {
  const holder = await readHolder(dir);
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGINT");
  const killer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  const code = await exited;
  clearTimeout(killer);
  if (code !== 0) throw new Error(`up ended with ${code}:\n${output.text}\n${tail(dir.nodeLog)}`);
  for (const [name, { pid }] of Object.entries(holder?.children ?? {})) requireGone(name, pid);
  await requireNothingLeft(dir);
}

/** Throws when a lock, a socket or an open port of the cell is left. */
export async function requireNothingLeft(dir: DataDir): Promise<void> {
  for (const path of [dir.lock, dir.coreSocket, dir.run]) {
    if (existsSync(path)) throw new Error(`${path} was left behind`);
  }
  const { broker } = await readCellConfig(dir);
  if (broker.embedded && (await isOpen(broker.url))) throw new Error(`${broker.url} is still open`);
}
