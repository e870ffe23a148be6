// The cradle itself dies, or who started it: nothing runs on unwatched, and the next start
// is clean. And what the cradle has open while a cell runs: neither keys nor connections.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { readCellConfig } from "../../src/runtime/cell-config.ts";
import { readHolder } from "../../src/runtime/lock.ts";
import { isRunning, type LiveCell, makeDirectory, requireNothingLeft, startCell } from "./live-cell.ts";
import { startLoad } from "./load.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

let workspace: Workspace;
let directory: string;
let file: string;
beforeAll(async () => {
  workspace = await makeWorkspace();
  directory = await makeDirectory();
  file = await workspace.write(
    "graph.yaml",
    manifest("live", [
      { actor: "parrot", behaviour: "./parrot.ts#parrot" },
      { actor: "spinner", behaviour: "./spinner.ts#spinner" },
    ]),
  );
});
afterAll(async () => {
  await workspace.remove();
  await rm(directory, { recursive: true, force: true });
});

const processes = async (cell: LiveCell) =>
  Object.values((await readHolder(cell.dir))?.children ?? {}).map(({ pid }) => pid);

it.each([
  ["the cradle", "cradle", 3],
  ["the process that started it", "up", null],
] as const)(
  "when %s is killed with -9 all ends, a node whose loop is stuck as well, and the next start answers",
  async (_what, name, code) => {
    const cell = await startCell({ directory, up: [file], spare: true });
    await vi.waitFor(() => cell.pid("node-spare"), { timeout: 30_000, interval: 20 });
    const pids = await processes(cell);
    expect(pids).toHaveLength(5);
    // No answer is awaited: the node is to be busy when its parent dies.
    const spin = cell.client.request("live/spinner", "spin", { ms: 60_000 }, { timeoutMs: 90 });
    spin.catch(() => undefined);
    await vi.waitFor(() => expect(spin).rejects.toMatchObject({ retryable: true }));
    await cell.kill(name);
    await vi.waitFor(() => expect(pids.filter(isRunning)).toEqual([]), { timeout: 5_000, interval: 10 });
    expect(await cell.exited).toBe(code);
    if (name === "cradle") {
      expect(cell.output()).toContain('"CELL_PROCESS_FAILED"');
      await requireNothingLeft(cell.dir);
    }

    const next = await startCell({ directory, up: [file] });
    const load = startLoad(next.client, "live/parrot");
    await load.more(20);
    expect((await load.stop()).failures).toEqual([]);
    await cell.client.close();
    await next.stop();
  },
);

it.runIf(process.platform === "linux")(
  "the cradle has nothing open but its channel, its children's, its own runtime's and a question, and no key",
  async () => {
    const cell = await startCell({ directory, up: [file] });
    const cradle = await cell.pid("cradle");
    const folder = `/proc/${cradle}/fd`;
    const open = readdirSync(folder).map((fd) => [fd, targetOf(join(folder, fd))] as const);
    const files = open.map(([, target]) => target).filter((target) => target.startsWith("/"));
    expect(files.filter((target) => target.startsWith(cell.dir.root))).toEqual([]);
    expect(files.filter((target) => target !== "/dev/null")).toEqual([]);
    // Of the sockets each is one of a nameless pair, with its parent, with a child, or with the core's
    // that it asks; or its question to the broker.
    const { broker } = await readCellConfig(cell.dir);
    const asked = `0100007F:${(broker.port ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
    const sockets = open.flatMap(([, target]) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
    expect(sockets.length).toBeGreaterThan(0);
    for (const inode of sockets)
      expect(ownersOf(inode).filter((line) => line.split(/\s+/)[2] !== asked)).toEqual([]);
    expect(readFileSync(`/proc/${cradle}/cmdline`, "utf8")).not.toContain(cell.dir.root);
    const environment = readFileSync(`/proc/${cradle}/environ`, "utf8").split("\0").filter(Boolean);
    const names = environment.flatMap((each) => each.split("=")[0] ?? []);
    expect(names.filter((name) => !/^NODE_(CHANNEL_.+|COMPILE_CACHE)$/.test(name))).toEqual([]);
    await cell.stop();
  },
);

/** Empty for one that was closed meanwhile. */
function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** The lines of the system's tables of named sockets that a socket stands in. */
function ownersOf(inode: string): readonly string[] {
  const inet = ["tcp", "tcp6", "udp", "udp6"].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim())
      .filter((line) => line.split(/\s+/)[9] === inode),
  );
  const unix = readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  return [
    ...inet,
    ...unix.filter((fields) => fields[6] === inode && fields.length > 7).map((fields) => fields.join(" ")),
  ];
}
