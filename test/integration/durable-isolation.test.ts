// Durable actors that do not share the node's event loop, in a cell as a user runs it:
// whichever process dies, what was accepted is applied once.
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { isRunning, type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

/** Processes of actors, and spares for them, whose node this is. */
function actorProcesses(node: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0)
    .filter((pid) => {
      try {
        const parent = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1];
        return Number(parent) === node && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("isolation");
      } catch {
        return false;
      }
    });
}

describe("a durable actor of its own process", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const durable = (actor: string, isolation: string) => ({
      ...{ actor, behaviour: "./ledger.ts#ledger", durable: true, isolation },
      grants: [{ intents: ["enter"], targets: ["apart/*"] }],
    });
    const graph = manifest("apart", [
      durable("process", "process"),
      durable("worker", "worker"),
      durable("zombie", "process"),
    ]);
    cell = await startCell({ up: [await workspace.write("graph.yaml", graph)] });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const enter = async (actor: string, entry: number, timeoutMs = 60_000) =>
    (await cell.client.request(actor, "enter", { entry }, { timeoutMs })).value;
  const read = async (actor: string) => {
    const { value } = await cell.client.request(actor, "read", {}, { timeoutMs: 60_000 });
    return (value as { entries: number[] }).entries;
  };
  const killActors = async () => {
    for (const pid of actorProcesses(await cell.pid("node"))) process.kill(pid, "SIGKILL");
  };

  it("says what holds it, and sends by its outbox", async () => {
    expect(await enter("apart/process", 1)).toEqual({ entry: 1, count: 1 });
    expect((await cell.kernel.actor("a", "apart/process")).bound).toMatch(/^process: /);
    await cell.client.request("apart/process", "forward", { target: "apart/worker", entry: 1 });
    await vi.waitFor(async () => expect(await read("apart/worker")).toEqual([1]), { timeout: 20_000 });
  });

  it("sends what is to leave later, though its process is killed before it is due", async () => {
    await cell.client.request("apart/process", "forward", {
      target: "apart/worker",
      entry: 2,
      delayMs: 1_500,
    });
    await killActors();
    await vi.waitFor(async () => expect(await read("apart/worker")).toEqual([1, 2]), { timeout: 20_000 });
  });

  it("loses and repeats nothing while its process and its node are killed under load", async () => {
    let entry = 1;
    let stopped = false;
    const lane = async () => {
      while (!stopped) await enter("apart/process", ++entry);
    };
    const lanes = Array.from({ length: 4 }, lane);
    const progress = async () => {
      const from = entry;
      await vi.waitFor(() => expect(entry).toBeGreaterThan(from + 20), { timeout: 60_000 });
    };
    await progress();
    await killActors();
    await progress();
    await cell.kill("node");
    await progress();
    await killActors();
    await progress();
    stopped = true;
    await Promise.all(lanes);
    const entries = await read("apart/process");
    expect(entries.toSorted((a, b) => a - b)).toEqual(Array.from({ length: entry }, (_, at) => at + 1));
  });

  it("goes on under the next node while its old process still stands, and hears no more of that one", async () => {
    await enter("apart/zombie", 1);
    const old = actorProcesses(await cell.pid("node"));
    expect(old.length).toBeGreaterThan(0);
    for (const pid of old) process.kill(pid, "SIGSTOP");
    const asked = enter("apart/zombie", 2);
    await cell.kill("node");
    expect(await asked).toEqual({ entry: 2, count: 2 });
    for (const pid of old) if (isRunning(pid)) process.kill(pid, "SIGCONT");
    await vi.waitFor(() => expect(old.filter(isRunning)).toEqual([]), { timeout: 20_000 });
    expect(await enter("apart/zombie", 3)).toEqual({ entry: 3, count: 3 });
    expect(await read("apart/zombie")).toEqual([1, 2, 3]);
  });
});
