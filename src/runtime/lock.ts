// One process at a time runs a cell from a data directory. The lock file says
// who holds it, and which processes it started, so that what a killed holder
// left behind can be found.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import type { DataDir } from "./data-dir.ts";

/** For what was killed to be gone. */
const END_TIMEOUT_MS = 2_000;
const END_POLL_MS = 5;

const holderSchema = z.object({
  pid: z.int().positive(),
  /** Start time of the process as the system counts it, against reuse of its id; empty where the system does not say. */
  startTime: z.string(),
  sinceUnixMs: z.int(),
  node: z.string(),
  /** Processes started by the holder, by name. */
  children: z.record(z.string(), z.object({ pid: z.int().positive(), startTime: z.string() })),
});

type Identity = { readonly pid: number; readonly startTime: string };

export type LockHolder = z.infer<typeof holderSchema>;

export type DirectoryLock = {
  /** Records the processes that the holder started; after `release` it does nothing. */
  update(children: Readonly<Record<string, number>>): Promise<void>;
  /** Kills those of them that still run, and waits until they are gone, for two seconds at most. */
  endChildren(): Promise<void>;
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
  if (!(await createExclusive(dir.lock, self))) await takeOver(dir, self);
  let released = false;
  let children: LockHolder["children"] = {};
  // One write at a time: each goes through the same file beside the lock.
  let writing: Promise<void> = Promise.resolve();
  return {
    async update(pids) {
      const rows = Object.entries(pids).map(([name, pid]) => [name, { pid, startTime: startTimeOf(pid) }]);
      children = Object.fromEntries(rows);
      const current = { ...self, children };
      const write = async () => {
        if (!released) await replace(dir.lock, current);
      };
      const written = writing.then(write);
      writing = written.catch(() => undefined);
      await written;
    },
    async endChildren() {
      const left = Object.values(children);
      for (const child of left) endLeftover(child);
      const deadlineMs = performance.now() + END_TIMEOUT_MS;
      while (left.some(isLeft) && performance.now() < deadlineMs) await delay(END_POLL_MS);
    },
    async release() {
      released = true;
      await writing;
      await rm(dir.lock, { force: true });
    },
  };
}

/**
 * Takes a dead holder's place. One process at a time does, or the second would remove
 * the lock that the first has just made, and both would run.
 */
async function takeOver(dir: DataDir, self: LockHolder): Promise<void> {
  requireDead(dir, await readLock(dir.lock));
  const guard = `${dir.lock}.taking`;
  if (!(await createExclusive(guard, self))) {
    const taker = await readLock(guard);
    if (taker !== undefined && !isAlive(taker)) await rm(guard, { force: true });
    throw takenJustNow(dir);
  }
  try {
    const holder = await readLock(dir.lock);
    requireDead(dir, holder);
    for (const child of Object.values(holder?.children ?? {})) endLeftover(child);
    await rm(dir.lock, { force: true });
    if (!(await createExclusive(dir.lock, self))) throw takenJustNow(dir);
  } finally {
    await rm(guard, { force: true });
  }
}

function requireDead(dir: DataDir, holder: LockHolder | undefined): void {
  if (holder !== undefined && isAlive(holder)) throw heldBy(dir, holder);
}

const takenJustNow = (dir: DataDir): CellError =>
  new CellError("CELL_DIRECTORY_HELD", "another process takes the data directory just now", {
    where: dir.root,
    remedy: "Try again.",
  });

/** Who holds the directory, dead or alive; undefined when nobody does or the file is damaged. */
export const readHolder = (dir: DataDir): Promise<LockHolder | undefined> => readLock(dir.lock);

async function readLock(path: string): Promise<LockHolder | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** Whether that very process still runs: same id and same start time, and not ended and waiting to be collected. */
export function isAlive(holder: Identity): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false;
  }
  const { state, startTime } = statOf(holder.pid);
  return holder.startTime === "" || (startTime === holder.startTime && !ENDED.has(state));
}

function heldBy(dir: DataDir, holder: LockHolder): CellError {
  const since = new Date(holder.sinceUnixMs).toISOString();
  return new CellError(
    "CELL_DIRECTORY_HELD",
    `process ${holder.pid} runs node "${holder.node}" from this directory since ${since}`,
    { where: dir.root, details: { pid: holder.pid } },
  );
}

/** Makes the file with all that is in it, so that nobody finds it empty and takes it for a leftover. */
async function createExclusive(path: string, holder: LockHolder): Promise<boolean> {
  const draft = `${path}.${randomBytes(6).toString("hex")}.new`;
  await writeFile(draft, JSON.stringify(holder), { mode: 0o600 });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function replace(path: string, holder: LockHolder): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(holder), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Only a process whose start time is known and equal is ended: never a stranger that got the same id. */
function endLeftover(child: Identity): void {
  if (isLeft(child)) process.kill(child.pid, "SIGKILL");
}

const isLeft = (child: Identity): boolean => child.startTime !== "" && isAlive(child);

/** States of a process in /proc that runs no more. */
const ENDED: ReadonlySet<string> = new Set(["Z", "X"]);

/** Empty where the system does not say. */
export const startTimeOf = (pid: number): string => statOf(pid).startTime;

/** Fields 3 and 22 of /proc/PID/stat, after the command's closing parenthesis; empty where there is no /proc. */
function statOf(pid: number): { readonly state: string; readonly startTime: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", startTime: fields[19] ?? "" };
  } catch {
    return { state: "", startTime: "" };
  }
}
