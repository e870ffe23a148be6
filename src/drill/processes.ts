// Signals to processes, and only to those of the drill's own cell: each must descend from
// the cradle that the drill started, by what the system says at that moment.
import { readFileSync } from "node:fs";
import { CellError } from "../errors/cell-error.ts";

const MAX_DEPTH = 16;

/** All in one go. @throws CellError DRILL_PROCESS_FOREIGN, before anything was signalled */
export function signalOwn(pids: readonly number[], signal: NodeJS.Signals, ancestor: number): void {
  for (const pid of pids) {
    if (descends(pid, ancestor)) continue;
    throw new CellError("DRILL_PROCESS_FOREIGN", `process ${pid} is not one of the drill's cell`);
  }
  for (const pid of pids) process.kill(pid, signal);
}

/** Ends a process and its descendants, when being asked did not. */
export function killTree(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    // It leads a process group of its own; its children end with it.
    process.kill(-pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/** Whether the process is the ancestor or has it among its parents. */
export function descends(pid: number, ancestor: number): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  let at = pid;
  for (let depth = 0; depth < MAX_DEPTH && at > 1; depth += 1) {
    if (at === ancestor) return true;
    at = parentOf(at);
  }
  return false;
}

/** Field 4 of /proc/PID/stat; 0 where there is none. */
function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return 0;
  }
}
