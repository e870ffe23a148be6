import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { dataDir } from "../../src/runtime/data-dir.ts";
import { readHolder } from "../../src/runtime/lock.ts";
import {
  cell0,
  isRunning,
  LAUNCHER,
  type LiveCell,
  makeDirectory,
  type Outcome,
  repository,
  requireNothingLeft,
  startCell,
} from "./live-cell.ts";

const HELLO = "deploy/examples/hello";

/** Path and mode of everything below a directory, itself included. */
async function modesOf(path: string): Promise<readonly (readonly [string, string])[]> {
  const { mode } = await stat(path);
  const own = [[path, (mode & 0o777).toString(8)] as const];
  if (!(await stat(path)).isDirectory()) return own;
  const below = await Promise.all((await readdir(path)).map((name) => modesOf(join(path, name))));
  return [...own, ...below.flat()];
}

/** What a command prints when it is copied into a shell. */
async function typed(command: string): Promise<string> {
  const shell = `cell0() { "${process.execPath}" "${LAUNCHER}" "$@"; }; ${command}`;
  return (await promisify(execFile)("sh", ["-c", shell], { cwd: repository })).stdout;
}

describe("a first start", () => {
  let directory: string;
  let cell: LiveCell;
  beforeAll(async () => {
    directory = await makeDirectory();
    cell = await startCell({ directory, json: false, up: [HELLO] });
  });
  afterAll(async () => {
    await cell?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it("makes genesis, keys, identities and certificates", () => {
    const { dir } = cell;
    for (const path of [
      dir.genesis,
      dir.genesisKey,
      dir.issuerKey,
      dir.brokerAuthority,
      dir.nodeCreds,
      dir.operatorCreds,
    ])
      expect(existsSync(path), path).toBe(true);
  });

  it("keeps everything that it makes to its owner", async () => {
    const modes = await modesOf(cell.dir.root);
    // What the broker stores lies behind directories that are closed, whatever modes it gives.
    const own = modes.filter(([path]) => !path.startsWith(join(cell.dir.brokerDirectory, "jetstream")));
    expect(own.filter(([, mode]) => !/^[67]00$/.test(mode))).toEqual([]);
    const keys = modes.filter(([path]) => path.startsWith(`${cell.dir.keys}/`) || path.endsWith(".creds"));
    expect(new Set(keys.map(([, mode]) => mode))).toEqual(new Set(["600"]));
  });

  it("says where the genesis key is and which command takes it offline", () => {
    expect(cell.output()).toContain(cell.dir.genesisKey);
    expect(cell.output()).toMatch(/Take it offline: cell0 .*keys genesis --export FILE/);
  });

  it("prints what runs, where, and three commands to try, which do what they say", async () => {
    const output = cell.output();
    expect(output).toMatch(/greeter +running/);
    expect(output).toMatch(/broker {2}nats:\/\/127\.0\.0\.1:\d+/);
    const commands = [...output.matchAll(/^(?: {2}try {5}| {10})(cell0 .+)$/gm)].map(
      ([, command]) => command,
    );
    expect(commands).toEqual(
      ["get tree", "send hello/greeter greet", "watch"].map((words) => expect.stringContaining(words)),
    );
    const [tree, greeting] = await Promise.all(commands.slice(0, 2).map((command) => typed(command ?? "")));
    expect(tree).toMatch(/greeter +running/);
    expect(greeting).toContain("Hello, Ada!");
  });

  it("answers the intent that it names", async () => {
    const { code, stdout } = await cell.cli("send", "hello/greeter", "greet", '{"name":"Ada"}');
    expect({ code, reply: JSON.parse(stdout) }).toEqual({
      code: 0,
      reply: { text: "Hello, Ada!", count: 2 },
    });
  });

  it("holds its directory: a second start says who has it", async () => {
    const { code, stderr } = await cell.cli("up");
    expect(stderr).toContain("CELL_DIRECTORY_HELD");
    expect(stderr).toContain(`process ${await cell.pid("up")} `);
    expect(code).toBe(2);
    expect((await cell.cli("send", "hello/greeter", "greet", '{"name":"Bo"}')).code).toBe(0);
  });

  it("does not stand in the way of a second cell on the same machine, which is a stranger to it", async () => {
    const other = await startCell({ up: ["--cell", "other", HELLO] });
    try {
      const greet = (from: LiveCell) => from.client.request("hello/greeter", "greet", { name: "Cy" });
      expect((await greet(other)).value).toEqual({ text: "Hello, Cy!", count: 1 });
      expect((await greet(cell)).value).toMatchObject({ text: "Hello, Cy!" });
      const url = z
        .object({ broker: z.object({ url: z.string() }) })
        .parse(JSON.parse(await readFile(cell.dir.cell, "utf8")));
      const foreign = await other.cli("--nats", url.broker.url, "get", "tree");
      expect(foreign).toMatchObject({
        code: 4,
        stderr: expect.stringContaining("BROKER_REFUSED_CREDENTIALS"),
      });
    } finally {
      await other.stop();
    }
  });
});

describe("a machine that lacks something", () => {
  it.each([
    ["NATS_SERVER_BIN", "BROKER_MISSING"],
    ["CELL0_CORE_BIN", "CORE_MISSING"],
  ])("of which %s names nothing is told %s, and nothing is left running", async (name, code) => {
    const directory = await makeDirectory();
    const dir = dataDir(join(directory, "cell"));
    const env = { [name]: join(directory, "no-such-binary") };
    const outcome = await cell0(["--data-dir", dir.root, "up"], { env });
    expect(outcome).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(new RegExp(`^${code}: .+no-such-binary`)),
    });
    await requireNothingLeft(dir);
    await rm(directory, { recursive: true, force: true });
  });
});

describe("a cell that was stopped", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await makeDirectory();
    const first = await startCell({ directory, up: [HELLO] });
    await first.stop();
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("runs what it ran before when it is started again, without a manifest", async () => {
    const cell = await startCell({ directory });
    try {
      const { value } = await cell.client.request("hello/greeter", "greet", { name: "Ada" });
      expect(value).toMatchObject({ text: "Hello, Ada!" });
    } finally {
      await cell.stop();
    }
  });

  it("says so to a command that needs it running", async () => {
    const outcome = await cell0(["--data-dir", join(directory, "cell"), "get", "tree"]);
    expect(outcome).toMatchObject({ code: 4, stderr: expect.stringContaining("BROKER_UNREACHABLE") });
  });

  it("refuses a start under another name than it was made with", async () => {
    const outcome = await cell0(["--data-dir", join(directory, "cell"), "up", "--cell", "renamed"]);
    expect(outcome.stderr).toContain("CELL_OPTION_CONFLICT");
    expect(outcome.code).not.toBe(0);
  });

  it("leaves no process when it is killed, and is taken over by the next start", async () => {
    const cell = await startCell({ directory });
    const children = await Promise.all(
      (["cradle", "broker", "core", "node"] as const).map((name) => cell.pid(name)),
    );
    await cell.kill("up");
    await vi.waitFor(() => expect(children.filter(isRunning)).toEqual([]), { timeout: 10_000, interval: 10 });
    await cell.client.close();
    const next = await startCell({ directory });
    try {
      const { value } = await next.client.request("hello/greeter", "greet", { name: "Ada" });
      expect(value).toMatchObject({ text: "Hello, Ada!" });
    } finally {
      await next.stop();
    }
  });

  it("runs in the background with --detach, until `cell0 down`", async () => {
    const dir = dataDir(join(directory, "cell"));
    const run = (...args: readonly string[]): Promise<Outcome> => cell0(["--data-dir", dir.root, ...args]);
    expect(await run("up", "--detach")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("answers after"),
    });
    const holder = await readHolder(dir);
    const pids = [holder?.pid ?? 0, ...Object.values(holder?.children ?? {}).map(({ pid }) => pid)];
    expect(pids.filter(isRunning)).toHaveLength(5);
    expect((await run("send", "hello/greeter", "greet", '{"name":"Ada"}')).code).toBe(0);
    expect((await run("down")).code).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
    await requireNothingLeft(dir);
  });
});
