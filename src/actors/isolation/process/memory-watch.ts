// Bounds the memory of processes where there is no cgroup: the kernel refuses more
// private memory once the limit is set, and a look at /proc every now and then ends
// what grew by other ways. Linux only.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { OVERHEAD_BYTES } from "./command.ts";

const EVERY_MS = 250;
const PAGE_BYTES = 4096;
const PRLIMIT_TIMEOUT_MS = 5_000;

/** Lets a process have so much more private memory than it has now. Never rejects. */
export async function limitGrowth(prlimit: string, pid: number, bytes: number): Promise<void> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kib = Number(/^VmData:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
  if (kib === 0) return;
  const limit = kib * 1024 + bytes;
  await new Promise<void>((resolve) => {
    execFile(
      prlimit,
      ["--pid", String(pid), `--data=${limit}:${limit}`],
      { timeout: PRLIMIT_TIMEOUT_MS },
      () => resolve(),
    );
  });
}

/** Calls `exceeded` once when the process's resident memory is beyond the limit. Returns what ends the watch. */
export function watchMemory(pid: number, memoryBytes: number, exceeded: (bytes: number) => void): () => void {
  const limit = memoryBytes + OVERHEAD_BYTES;
  const timer = setInterval(() => {
    void residentBytes(pid).then((bytes) => {
      if (bytes <= limit) return;
      clearInterval(timer);
      exceeded(bytes);
    });
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/statm`, "utf8").catch(() => "");
  return Number(text.split(" ")[1] ?? 0) * PAGE_BYTES;
}
