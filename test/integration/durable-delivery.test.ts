// What durable actors send each other and wait for, in a cell whose processes are killed:
// each intent is applied once, each timer fires once.
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readHolder } from "../../src/runtime/lock.ts";
import { isRunning, type LiveCell, makeDirectory, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const TIMEOUT_MS = 25_000;

describe("durable actors whose processes are killed", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  let graph: string;
  let directory: string;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    directory = await makeDirectory();
    const durable = (actor: string, more = {}) => ({
      actor,
      behaviour: "./ledger.ts#ledger",
      durable: true,
      grants: [{ intents: ["enter"], targets: ["books/*"] }],
      ...more,
    });
    graph = await workspace.write(
      "graph.yaml",
      manifest("books", [
        durable("sender"),
        durable("receiver"),
        durable("loaded"),
        durable("armed"),
        durable("reminder", { passivate: "1s" }),
        durable("reminded"),
        durable("renewed"),
        durable("sleeper", { passivate: "1s" }),
        durable("dormant", { passivate: "1s" }),
      ]),
    );
    cell = await startCell({ directory, up: [graph] });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
    await rm(directory, { recursive: true, force: true });
  });

  const request = async (actor: string, intent: string, payload: object = {}) =>
    (await cell.client.request(actor, intent, payload, { timeoutMs: TIMEOUT_MS })).value;
  const read = async (actor: string) => ((await request(actor, "read")) as { entries: number[] }).entries;
  const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
  const sorted = (entries: readonly number[]) => [...entries].sort((a, b) => a - b);

  /** Keeps `lanes` requests under way; `stop` waits for the last answers and says how many there were. */
  const load = (lanes: number, one: (entry: number) => Promise<unknown>) => {
    let entry = 0;
    let stopped = false;
    const lane = async () => {
      while (!stopped) {
        entry += 1;
        await one(entry);
      }
    };
    const all = Promise.all(Array.from({ length: lanes }, lane));
    return {
      async further(count: number) {
        const from = entry;
        await vi.waitFor(() => expect(entry).toBeGreaterThan(from + count), { timeout: TIMEOUT_MS });
      },
      async stop() {
        stopped = true;
        await all;
        return entry;
      },
    };
  };

  it("apply each intent that one forwards to the other once, and in its order", async () => {
    const forwarding = load(1, (entry) =>
      request("books/sender", "forward", { target: "books/receiver", entry }),
    );
    for (const count of [17, 5, 29, 11]) {
      await forwarding.further(count);
      await cell.kill("node");
    }
    await forwarding.further(10);
    const count = await forwarding.stop();
    await vi.waitFor(
      async () => expect((await read("books/receiver")).length).toBeGreaterThanOrEqual(count),
      {
        timeout: TIMEOUT_MS,
      },
    );
    expect(await read("books/receiver")).toEqual(upTo(count));
  });

  it("lose and repeat nothing when node and broker are killed together under load", async () => {
    const entering = load(6, (entry) => request("books/loaded", "enter", { entry }));
    for (const order of [
      ["node", "broker"],
      ["broker", "node"],
    ] as const) {
      await entering.further(60);
      await Promise.all(order.map((name) => cell.kill(name)));
    }
    await entering.further(60);
    const count = await entering.stop();
    expect(sorted(await read("books/loaded"))).toEqual(upTo(count));
  });

  it("send what is to leave later once, though they sleep and their node is killed before it is due", async () => {
    const remind = (entry: number, delayMs: number) =>
      request("books/reminder", "forward", { target: "books/reminded", entry, delayMs });
    await remind(2, 9_000);
    await remind(1, 5_000);
    await cell.kill("node");
    await vi.waitFor(
      async () => expect(await cell.kernel.actor("a", "books/reminder")).toMatchObject({ durable: "asleep" }),
      { timeout: TIMEOUT_MS },
    );
    await vi.waitFor(async () => expect((await read("books/reminded"))[0]).toBe(1), { timeout: TIMEOUT_MS });
    await cell.kill("node");
    await vi.waitFor(async () => expect(await read("books/reminded")).toEqual([1, 2]), {
      timeout: TIMEOUT_MS,
    });
    await cell.kill("node");
    expect(await request("books/reminded", "enter", { entry: 3 })).toEqual({ entry: 3, count: 3 });
  });

  const isAsleep = async (actor: string) =>
    expect(await cell.kernel.actor("a", actor)).toMatchObject({
      state: "armed",
      durable: "asleep",
      kept: { waiting: 0, pending: false, wakeAtUnixMs: expect.any(Number) },
    });

  it("wake for a timer after they have left memory", async () => {
    await request("books/sleeper", "alarm", { entry: 1, delayMs: 8_000 });
    await vi.waitFor(() => isAsleep("books/sleeper"), { timeout: TIMEOUT_MS });
    await vi.waitFor(
      async () => expect(await cell.kernel.actor("a", "books/sleeper")).toMatchObject({ state: "idle" }),
      { timeout: TIMEOUT_MS },
    );
    expect(await read("books/sleeper")).toEqual([1]);
  });

  it("are told as asleep once they have left memory, until they are needed", async () => {
    await request("books/dormant", "alarm", { entry: 1, delayMs: 3_600_000 });
    await vi.waitFor(() => isAsleep("books/dormant"), { timeout: TIMEOUT_MS });
    const { stdout } = await cell.cli("get", "actor", "books/dormant");
    expect(stdout).toMatch(/durable +yes, asleep\n.* commit +\d+ by \d+\.\d+, .*\n.* applied +normal \d+/);
    expect((await cell.cli("get", "actors", "--graph", "books")).stdout).toMatch(/books\/dormant .*asleep/);
    expect(await read("books/dormant")).toEqual([]);
  });

  it("begin anew when an operator asks for it, and stay so", async () => {
    await request("books/renewed", "enter", { entry: 1 });
    const before = await cell.kernel.actor("a", "books/renewed");
    await cell.json("restart", "books/renewed");
    expect(await read("books/renewed")).toEqual([1]);
    await cell.json("restart", "books/renewed", "--fresh");
    expect(await request("books/renewed", "enter", { entry: 2 })).toEqual({ entry: 2, count: 1 });
    const after = await cell.kernel.actor("a", "books/renewed");
    expect(after.kept?.commit).toBeGreaterThan(before.kept?.commit ?? 0);
    await cell.kill("node");
    expect(await read("books/renewed")).toEqual([2]);
    const { stdout } = await cell.cli("logs", "--actor", "books/renewed");
    expect(stdout).toContain("begun anew by operator");
  });

  it("fire a timer once that was due while nothing of the cell ran", async () => {
    await request("books/armed", "enter", { entry: 1 });
    await request("books/armed", "alarm", { entry: 2, delayMs: 1_500 });
    const dueAtMs = performance.now() + 1_500;
    const pids = Object.values((await readHolder(cell.dir))?.children ?? {}).map(({ pid }) => pid);
    await cell.kill("up");
    await vi.waitFor(() => expect(pids.filter(isRunning)).toEqual([]), { timeout: 5_000, interval: 10 });
    await cell.client.close();
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(dueAtMs), { timeout: 5_000 });
    cell = await startCell({ directory });
    await vi.waitFor(async () => expect(await read("books/armed")).toEqual([1, 2]), { timeout: TIMEOUT_MS });
    await cell.kill("node");
    expect(await request("books/armed", "enter", { entry: 3 })).toEqual({ entry: 3, count: 3 });
    expect(await read("books/armed")).toEqual([1, 2, 3]);
  });
});
