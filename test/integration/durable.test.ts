// Durable actors in a cell as a user runs it: what was accepted is applied once, whatever
// dies in between.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("a durable actor", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const durable = (actor: string, more = {}) => ({
      actor,
      behaviour: "./ledger.ts#ledger",
      durable: true,
      grants: [{ intents: ["enter"], targets: ["books/*"] }],
      ...more,
    });
    const graph = manifest("books", [
      durable("first"),
      durable("second"),
      durable("third"),
      durable("sleeper", { passivate: "1s" }),
    ]);
    cell = await startCell({ up: [await workspace.write("graph.yaml", graph)] });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const enter = async (actor: string, entry: number, timeoutMs = 20_000) =>
    (await cell.client.request(actor, "enter", { entry }, { timeoutMs })).value;
  const read = async (actor: string) => {
    const { value } = await cell.client.request(actor, "read", {}, { timeoutMs: 20_000 });
    return (value as { entries: number[] }).entries;
  };
  const expectOnce = async (actor: string, count: number) => {
    const entries = await read(actor);
    expect([...entries].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  };

  it("answers after its commit, and goes on where it was when its node is killed", async () => {
    expect(await enter("books/first", 1)).toEqual({ entry: 1, count: 1 });
    expect(await enter("books/first", 2)).toEqual({ entry: 2, count: 2 });
    const before = await cell.kernel.actor("a", "books/first");
    await cell.kill("node");
    expect(await enter("books/first", 3)).toEqual({ entry: 3, count: 3 });
    const after = await cell.kernel.actor("a", "books/first");
    expect(after.incarnation?.term).toBeGreaterThan(before.incarnation?.term ?? 0);
    expect(await read("books/first")).toEqual([1, 2, 3]);
  });

  it("loses and repeats nothing of a load while its node is killed again and again", async () => {
    let entry = 0;
    let stopped = false;
    const lane = async () => {
      while (!stopped) await enter("books/second", ++entry);
    };
    const lanes = Array.from({ length: 8 }, lane);
    for (let kill = 0; kill < 3; kill++) {
      const from = entry;
      await vi.waitFor(() => expect(entry).toBeGreaterThan(from + 60), { timeout: 30_000 });
      await cell.kill("node");
    }
    const from = entry;
    await vi.waitFor(() => expect(entry).toBeGreaterThan(from + 60), { timeout: 30_000 });
    stopped = true;
    await Promise.all(lanes);
    await expectOnce("books/second", entry);
  });

  it("crashes and comes back with what it had", async () => {
    await enter("books/third", 1);
    await cell.client.send("books/third", "crash", { message: "asked to" });
    expect(await enter("books/third", 2)).toEqual({ entry: 2, count: 2 });
  });
});
