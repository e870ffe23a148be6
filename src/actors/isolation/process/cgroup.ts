// cgroup v2, where this process may make groups below its own or its parent's: hard
// limits of memory, processors and processes that nothing inside can evade.
import { accessSync, constants, readFileSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const CONTROLLERS = ["memory", "cpu", "pids"];
const CPU_PERIOD_US = 100_000;
const MAX_PIDS = 64;

export type Cgroups = { readonly folder: string };
export type CgroupLimits = { readonly memoryBytes: number; readonly cpu?: number };

export interface Cgroup {
  /** Puts a process into the group, with all that it starts. */
  add(pid: number): Promise<void>;
  /** Whether something in it was ended for want of memory. */
  ranOutOfMemory(): Promise<boolean>;
  remove(): Promise<void>;
}

export type Looked = { readonly cgroups?: Cgroups; readonly why: string };

/** @param read reads a file, @param writable whether a folder may be written: for tests */
export function findCgroups(
  read: (path: string) => string = (path) => readFileSync(path, "utf8"),
  writable: (path: string) => boolean = isWritable,
): Looked {
  try {
    const mount = read("/proc/self/mountinfo")
      .split("\n")
      .find((line) => / - cgroup2 /.test(line))
      ?.split(" ")[4];
    const own = /^0::(\/.*)$/m.exec(read("/proc/self/cgroup"))?.[1];
    if (mount === undefined || own === undefined) return { why: "cgroup v2 is not mounted" };
    const home = own === "/" ? mount : join(mount, own);
    const candidates = home === mount ? [home] : [home, dirname(home)];
    for (const folder of candidates) {
      const enabled = new Set(read(join(folder, "cgroup.subtree_control")).split(/\s+/));
      if (CONTROLLERS.every((name) => enabled.has(name)) && writable(folder)) {
        return { cgroups: { folder }, why: "" };
      }
    }
    return {
      why: "no writable cgroup hands down memory, cpu and pids (in systemd: Delegate=yes, DelegateSubgroup=)",
    };
  } catch (error) {
    return { why: `cgroup v2 cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** @throws when the group cannot be made or limited */
export async function makeCgroup({ folder }: Cgroups, name: string, limits: CgroupLimits): Promise<Cgroup> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  const set = (file: string, value: string) => writeFile(join(path, file), value);
  await set("memory.max", String(limits.memoryBytes));
  await set("memory.swap.max", "0").catch(() => undefined);
  await set("memory.oom.group", "1").catch(() => undefined);
  await set("pids.max", String(MAX_PIDS));
  if (limits.cpu !== undefined) {
    await set("cpu.max", `${Math.max(1_000, Math.round(limits.cpu * CPU_PERIOD_US))} ${CPU_PERIOD_US}`);
  }
  return {
    add: (pid) => set("cgroup.procs", String(pid)),
    async ranOutOfMemory() {
      const events = await readFile(join(path, "memory.events"), "utf8").catch(() => "");
      return /^oom_kill [1-9]/m.test(events);
    },
    async remove() {
      await rmdir(path).catch(() => undefined);
    },
  };
}
