// Whether the system ended a process for want of memory: on Linux it sends the same signal
// as anybody's kill -9, and counts. Elsewhere the two cannot be told apart.
import { readFileSync } from "node:fs";

/** Why a process ended. */
export const OUT_OF_MEMORY = "killed by the system for want of memory";
/** How far back another process's end may be taken for this one's. */
const LOOK_MS = 1_000;

export type MemoryWatch = {
  /** Whether the system has ended any process for it within the last second or so. */
  hasEnded(): boolean;
  stop(): void;
};

export function watchMemoryEnds(read: () => number | undefined = oomKills): MemoryWatch {
  let before = read();
  const timer = setInterval(() => {
    before = read();
  }, LOOK_MS).unref();
  return {
    hasEnded: () => (read() ?? 0) > (before ?? 0),
    stop: () => clearInterval(timer),
  };
}

/** Undefined where the system does not say. */
function oomKills(): number | undefined {
  try {
    const [, count] = /^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "utf8")) ?? [];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}
