// cgroup v2, where this process may make groups below its own or its parent's: hard
// limits of memory, processors and processes that nothing inside can evade.
import { accessSync, constants, readFileSync, statSync, writeFileSync } from "node:fs";
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

/** What is looked at and changed; a test stands in for it. */
export type CgroupFiles = {
  read(path: string): string;
  isWritable(folder: string): boolean;
  /** Whether the folder was handed over to this user, who is not root: nobody else decides about it then. */
  isDelegated(folder: string): boolean;
  write(path: string, text: string): void;
};

const theseFiles: CgroupFiles = {
  read: (path) => readFileSync(path, "utf8"),
  isWritable(path) {
    try {
      accessSync(path, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
  isDelegated(folder) {
    const { uid } = statSync(folder);
    return uid !== 0 && uid === process.geteuid?.();
  },
  write: (path, text) => writeFileSync(path, text),
};

export function findCgroups(files: CgroupFiles = theseFiles): Looked {
  try {
    const mount = files
      .read("/proc/self/mountinfo")
      .split("\n")
      .find((line) => / - cgroup2 /.test(line))
      ?.split(" ")[4];
    const own = /^0::(\/.*)$/m.exec(files.read("/proc/self/cgroup"))?.[1];
    if (mount === undefined || own === undefined) return { why: "cgroup v2 is not mounted" };
    const home = own === "/" ? mount : join(mount, own);
    const candidates = home === mount ? [home] : [home, dirname(home)];
    const folder = candidates.find((each) => handsDown(each, files) && files.isWritable(each));
    if (folder !== undefined) return { cgroups: { folder }, why: "" };
    return {
      why: "no writable cgroup hands down memory, cpu and pids (in systemd: Delegate=yes, DelegateSubgroup=)",
    };
  } catch (error) {
    return { why: `cgroup v2 cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Whether groups below have the controllers. systemd delegates a group without handing them down: that is left to its user. */
function handsDown(folder: string, files: CgroupFiles): boolean {
  const has = (file: string) => {
    const there = new Set(files.read(join(folder, file)).trim().split(/\s+/));
    return CONTROLLERS.every((name) => there.has(name));
  };
  if (has("cgroup.subtree_control")) return true;
  if (!files.isDelegated(folder) || !has("cgroup.controllers")) return false;
  try {
    files.write(join(folder, "cgroup.subtree_control"), CONTROLLERS.map((name) => `+${name}`).join(" "));
  } catch {
    // It holds processes itself: then it cannot.
    return false;
  }
  return has("cgroup.subtree_control");
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
