// One process at a time runs a cell from a data directory. The lock file says
// who holds it, and which processes it started, so that what a killed holder
// left behind can be found.
import { readFileSync } from "node:fs";
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import type { DataDir } from "./data-dir.ts";

const holderSchema = z.object({
  pid: z.int().positive(),
  /** Start time of the process as the system counts it, against reuse of its id; empty where the system does not say. */
  startTime: z.string(),
  sinceUnixMs: z.int(),
  node: z.string(),
  /** Processes started by the holder, by name. */
  children: z.record(z.string(), z.object({ pid: z.int().positive(), startTime: z.string() })),
});

export type LockHolder = z.infer<typeof holderSchema>;

export type DirectoryLock = {
  /** Records the processes that the holder started. */
  update(children: Readonly<Record<string, number>>): Promise<void>;
  release(): Promise<void>;
};

/**
 * Takes the directory, ending what a dead holder left running.
 * Throws CELL_DIRECTORY_HELD with the holder's process id when it lives.
 */
export async function lockDirectory(dir: DataDir, node: string): Promise<DirectoryLock> {
  const self: LockHolder = {
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    sinceUnixMs: Date.now(),
    node,
    children: {},
  };
  if (!(await createExclusive(dir.lock, self))) {
    const holder = await readHolder(dir);
    if (holder !== undefined && isAlive(holder)) throw heldBy(dir, holder);
    for (const child of Object.values(holder?.children ?? {})) endLeftover(child);
    await rm(dir.lock, { force: true });
    if (!(await createExclusive(dir.lock, self))) {
      throw new CellError("CELL_DIRECTORY_HELD", "another process took the data directory just now", {
        where: dir.root,
      });
    }
  }
  let current = self;
  return {
    async update(children) {
      const rows = Object.entries(children).map(([name, pid]) => [
        name,
        { pid, startTime: startTimeOf(pid) },
      ]);
      current = { ...current, children: Object.fromEntries(rows) };
      await replace(dir.lock, current);
    },
    async release() {
      await rm(dir.lock, { force: true });
    },
  };
}

/** Who holds the directory, dead or alive; undefined when nobody does or the file is damaged. */
export async function readHolder(dir: DataDir): Promise<LockHolder | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(dir.lock, "utf8")));
  } catch {
    return undefined;
  }
}

/** Whether that very process still runs: same id and same start time. */
export function isAlive(holder: { readonly pid: number; readonly startTime: string }): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false;
  }
  return holder.startTime === "" || startTimeOf(holder.pid) === holder.startTime;
}

function heldBy(dir: DataDir, holder: LockHolder): CellError {
  const since = new Date(holder.sinceUnixMs).toISOString();
  return new CellError(
    "CELL_DIRECTORY_HELD",
    `process ${holder.pid} runs node "${holder.node}" from this directory since ${since}`,
    { where: dir.root, details: { pid: holder.pid } },
  );
}

async function createExclusive(path: string, holder: LockHolder): Promise<boolean> {
  try {
    const file = await open(path, "wx", 0o600);
    await file.writeFile(JSON.stringify(holder));
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function replace(path: string, holder: LockHolder): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(holder), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Only a process whose start time is known and equal is ended: never a stranger that got the same id. */
function endLeftover(child: { readonly pid: number; readonly startTime: string }): void {
  if (child.startTime !== "" && isAlive(child)) process.kill(child.pid, "SIGKILL");
}

/** Field 22 of /proc/PID/stat, after the command's closing parenthesis; empty where there is no /proc. */
function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
