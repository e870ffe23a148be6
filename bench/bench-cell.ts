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
  await untilUp(child);
  const bootMs = performance.now() - startedAt;
  return {
    dataDir,
    identity: join(dataDir, "operator.creds"),
    bootMs,
    cli: (...args) => runCli(dataDir, args),
    nodePid: async () => (await pidsOf(dataDir)).node ?? Number.NaN,
    pids: () => pidsOf(dataDir),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGINT");
      await ended;
    },
  };
}

async function pidsOf(dataDir: string): Promise<Record<string, number>> {
  const lock: { children: Record<string, { pid: number }> } = JSON.parse(
    await readFile(join(dataDir, "lock"), "utf8"),
  );
  return Object.fromEntries(Object.entries(lock.children).map(([name, { pid }]) => [name, pid]));
}

function untilUp(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      if (text.includes('"up":true')) resolve();
    });
    child.once("exit", (code) => reject(new Error(`the cell ended with ${code}: ${text}`)));
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
