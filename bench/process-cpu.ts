// CPU time of processes, all threads together, from the system where it says so: what a
// busy machine does to a figure less than to the time on the clock.
import { readdir, readFile } from "node:fs/promises";

export type CpuOf = Readonly<Record<string, number | undefined>>;

/** Microseconds since each began, by name; undefined where the system does not say. */
export async function cpuOf(pids: Readonly<Record<string, number | undefined>>): Promise<CpuOf> {
  const rows = await Promise.all(
    Object.entries(pids).map(async ([name, pid]) => [
      name,
      pid === undefined ? undefined : await usedUs(pid),
    ]),
  );
  return Object.fromEntries(rows);
}

async function usedUs(pid: number): Promise<number | undefined> {
  try {
    const threads = await readdir(`/proc/${pid}/task`);
    // Nanoseconds on a processor come first. A thread may end while it is looked at.
    const ns = await Promise.all(
      threads.map(async (thread) => {
        const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0");
        return Number(text.split(" ", 1)[0]);
      }),
    );
    return ns.reduce((sum, each) => sum + each, 0) / 1000;
  } catch {
    return undefined;
  }
}

/** "node 61 us, client 24 us": what lies between two looks, for each of so many. */
export function cpuText(before: CpuOf, after: CpuOf, count: number): string {
  return Object.entries(after)
    .flatMap(([name, us]) => {
      const from = before[name];
      return us === undefined || from === undefined ? [] : [`${name} ${((us - from) / count).toFixed(0)} us`];
    })
    .join(", ");
}
