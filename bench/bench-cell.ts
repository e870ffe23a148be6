// A real cell for a benchmark: started by the command line as a user does, in a
// directory of its own, stopped at the end.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CLI = join(import.meta.dirname, "..", "bin", "cell0.mjs");

export type BenchCell = {
  readonly dataDir: string;
  readonly identity: string;
  /** From the start of the command to the line that says that it answers. */
  readonly bootMs: number;
  cli(...args: string[]): Promise<unknown>;
  nodePid(): Promise<number>;
  /** Of the cell's processes, by name. */
  pids(): Promise<Readonly<Record<string, number>>>;
  /** What the node died of so far, e.g. "killed by SIGKILL", the oldest first. */
  deaths(): readonly string[];
  stop(): Promise<void>;
};

export async function withDataDir<T>(work: (dataDir: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), "cell0-bench-"));
  try {
    return await work(join(root, "cell"));
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

export async function startCell(
  dataDir: string,
  manifests: readonly string[] = [],
  options: readonly string[] = [],
): Promise<BenchCell> {
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [CLI, "--data-dir", dataDir, "--json", "up", ...options, ...manifests],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const said = { text: "" };
  await untilUp(child, said);
  const bootMs = performance.now() - startedAt;
  return {
    dataDir,
    identity: join(dataDir, "operator.creds"),
    bootMs,
    cli: (...args) => runCli(dataDir, args),
    nodePid: async () => (await pidsOf(dataDir)).node ?? Number.NaN,
    pids: () => pidsOf(dataDir),
    deaths: () => said.text.split("\n").flatMap((row) => causeOfDeath(row) ?? []),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGINT");
      await ended;
    },
  };
}

/** Of the node's process, from the system where it says so. */
export async function residentBytes(cell: BenchCell): Promise<number> {
  const status = await readFile(`/proc/${await cell.nodePid()}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

async function pidsOf(dataDir: string): Promise<Record<string, number>> {
  const lock: { children: Record<string, { pid: number }> } = JSON.parse(
    await readFile(join(dataDir, "lock"), "utf8"),
  );
  return Object.fromEntries(Object.entries(lock.children).map(([name, { pid }]) => [name, pid]));
}

/** Of the line that `up --json` prints when the node is back. */
function causeOfDeath(row: string): string | undefined {
  if (!row.startsWith('{"recovered":"node"')) return undefined;
  const { cause }: { cause?: unknown } = JSON.parse(row);
  return String(cause);
}

function untilUp(child: ChildProcess, said: { text: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.setEncoding("utf8").on("data", (part: string) => {
      said.text += part;
      if (said.text.includes('"up":true')) resolve();
    });
    child.once("exit", (code) => reject(new Error(`the cell ended with ${code}: ${said.text}`)));
  });
}

function runCli(dataDir: string, args: readonly string[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, "--data-dir", dataDir, "--json", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    child.once("exit", (code) =>
      code === 0
        ? resolve(JSON.parse(text))
        : reject(new Error(`${args.join(" ")} ended with ${code}: ${text}`)),
    );
  });
}
