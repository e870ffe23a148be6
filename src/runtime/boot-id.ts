// Names this run of the machine: what was written before a power loss may be
// incomplete, and says so by another name.
import { readFileSync } from "node:fs";
import { uptime } from "node:os";

export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Elsewhere the time of the start, coarse enough to be the same for most of a run.
    return `started ${Math.round((Date.now() / 1_000 - uptime()) / 600)}`;
  }
}
