import { describe, expect, test } from "vitest";
import { type CgroupFiles, findCgroups } from "../../../../src/actors/isolation/process/cgroup.ts";
import { boundText, processCommand } from "../../../../src/actors/isolation/process/command.ts";
import {
  expectedLayers,
  type Layers,
  lackingLayers,
  type Platform,
  weakerLayers,
} from "../../../../src/actors/isolation/process/layers.ts";

const MIB = 2 ** 20;
const platform = (change: Partial<Platform> = {}): Platform => ({
  name: "linux",
  isRoot: true,
  find: (program) => `/usr/bin/${program}`,
  cgroups: () => ({ why: "no cgroups" }),
  ...change,
});
const commandOf = (layers: Layers, user: number | undefined) =>
  processCommand({
    layers,
    user,
    memoryBytes: 64 * MIB,
    readable: ["/b/c", "/a"],
    node: "/node",
    entry: "/entry.js",
  });
const boundOf = (layers: Layers, user: number | undefined, inCgroup = false) =>
  boundText(layers, { user, memoryBytes: 64 * MIB, cpu: undefined, inCgroup });

describe("what a platform offers", () => {
  test("as root on Linux: everything but a cgroup", () => {
    const layers = expectedLayers(platform());
    expect(layers.missing).toEqual({ cgroup: "no cgroups" });
    expect(lackingLayers(layers, false)).toEqual([]);
    expect(lackingLayers(layers, true)).toEqual(["cgroup: no cgroups"]);
  });

  test.each([
    ["not as root", { isRoot: false }, ["user", "network"]],
    [
      "without setpriv",
      { find: (name: string) => (name === "setpriv" ? undefined : name) },
      ["user", "privileges"],
    ],
    [
      "without prlimit",
      { find: (name: string) => (name === "prlimit" ? undefined : name) },
      ["limits", "memory"],
    ],
    ["on macOS", { name: "darwin" }, ["user", "network", "privileges", "limits", "memory"]],
  ] as const)("%s a required sandbox lacks layers, which are named", (_what, change, lacking) => {
    const found = lackingLayers(expectedLayers(platform(change)), false).map((text) => text.split(":")[0]);
    expect(found).toEqual(lacking);
  });

  test("what does not work is given up, one layer at a time, with its reason", () => {
    const given: string[] = [];
    for (
      let layers: Layers | undefined = expectedLayers(platform());
      layers !== undefined;
      layers = weakerLayers(layers, "broken")
    )
      given.push(Object.keys(layers.missing).join(" "));
    expect(given).toEqual([
      "cgroup",
      "cgroup network",
      "cgroup network user",
      "cgroup network user privileges",
      "cgroup network user privileges limits",
    ]);
  });
});

describe("the command", () => {
  test("drops everything before Node runs, and grants folders before what is in them", () => {
    const words = commandOf(expectedLayers(platform()), 61_200);
    expect(words.join(" ")).toContain(
      "--reuid 61200 --regid 61200 --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig KILL /node --permission",
    );
    expect(words.slice(0, 3)).toEqual(["/usr/bin/unshare", "--net", "--ipc"]);
    expect(words.slice(-3)).toEqual(["--allow-fs-read=/a", "--allow-fs-read=/b/c", "/entry.js"]);
    expect(words).toContain("--max-old-space-size=64");
    expect(
      words.filter((word) => word.startsWith("--allow")).every((word) => word.startsWith("--allow-fs-read=")),
    ).toBe(true);
  });

  test("without a user of its own neither changes users nor counts the threads of the node's", () => {
    const words = commandOf(expectedLayers(platform({ isRoot: false })), undefined).join(" ");
    expect(words).not.toMatch(/reuid|nproc|unshare/);
    expect(words).toContain("--no-new-privs --pdeathsig KILL");
  });
});

test("the bound says what holds, and what is weaker", () => {
  expect(boundOf(expectedLayers(platform()), 61_200)).toBe(
    "process: permission model, own user 61200, no new privileges, ends with its node, own empty network, no files written; memory 160 MiB by limit and watch (heap 64 MiB), no cgroup, processor time unlimited",
  );
  expect(boundOf(expectedLayers(platform({ name: "darwin" })), undefined)).toBe(
    "process: permission model; heap 64 MiB only, processor time unlimited; weaker: the node's own user, network denied by the permission model alone, privileges kept, no resource limits",
  );
});

describe("cgroups", () => {
  const SERVICE = "/sys/fs/cgroup/system.slice/cell0.service";
  type Given = { readonly control?: string; readonly own?: string; readonly handedOver?: readonly string[] };
  /** Of a unit whose group has all controllers, and hands down those of `control`. */
  function machine({ control = "", own = "/system.slice/cell0.service/main", handedOver = [] }: Given) {
    const written: (readonly [string, string])[] = [];
    const subtree = `${SERVICE}/cgroup.subtree_control`;
    const files: CgroupFiles = {
      read(path) {
        if (path === "/proc/self/mountinfo") return "29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        if (path === "/proc/self/cgroup") return `0::${own}\n`;
        if (path === subtree) return written.length > 0 ? "cpu memory pids\n" : control;
        return path.endsWith("/cgroup.controllers") ? "cpuset cpu io memory pids\n" : "";
      },
      isWritable: () => true,
      isDelegated: (folder) => handedOver.includes(folder),
      write(path, text) {
        // As the system does: a group that holds processes hands nothing down.
        if (path !== subtree || own === "/system.slice/cell0.service") throw new Error("EBUSY");
        written.push([path, text]);
      },
    };
    return { files, written };
  }

  test("are found in the parent's folder, where it hands them down", () => {
    const { files, written } = machine({ control: "cpu memory pids" });
    expect(findCgroups(files).cgroups).toEqual({ folder: SERVICE });
    expect(written).toEqual([]);
  });

  test("are handed down by the cell itself, where systemd has delegated the unit's group to its user", () => {
    const { files, written } = machine({ handedOver: [SERVICE, `${SERVICE}/main`] });
    expect(findCgroups(files).cgroups).toEqual({ folder: SERVICE });
    expect(written).toEqual([[`${SERVICE}/cgroup.subtree_control`, "+memory +cpu +pids"]]);
  });

  test("are left as they are in a group that nobody handed over, though root could change it", () => {
    const { files, written } = machine({});
    expect(findCgroups(files).cgroups).toBeUndefined();
    expect(written).toEqual([]);
  });

  const whole = machine({ control: "cpu memory pids" }).files;
  test.each<readonly [string, CgroupFiles]>([
    ["a controller is missing", machine({ control: "memory pids" }).files],
    ["the folder may not be written", { ...whole, isWritable: () => false }],
    ["it is the root's", machine({ control: "cpu memory pids", own: "/" }).files],
    ["there is no cgroup v2", { ...whole, read: () => "" }],
    [
      "the cell runs in the unit's group itself, as below systemd 254",
      machine({ own: "/system.slice/cell0.service", handedOver: [SERVICE] }).files,
    ],
  ])("are not used when %s, and why is said", (_what, files) => {
    const found = findCgroups(files);
    expect(found.cgroups).toBeUndefined();
    expect(found.why).not.toBe("");
  });
});
