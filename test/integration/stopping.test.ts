import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LiveCell, makeDirectory, requireNothingLeft, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("a cell", () => {
  let directory: string;
  let workspace: Workspace;
  let file: string;
  beforeAll(async () => {
    directory = await makeDirectory();
    workspace = await makeWorkspace();
    file = await workspace.write(
      "graph.yaml",
      manifest("shop", [{ actor: "worker", behaviour: "./worker.ts#worker", shutdown: "10s" }]),
    );
  });
  afterAll(async () => {
    await workspace.remove();
    await rm(directory, { recursive: true, force: true });
  });
  const start = () => startCell({ directory, json: false, up: [file] });
  /** Begins work and returns once the actor has it in hand. */
  const begin = async (cell: LiveCell, ms: number) => {
    const answer = cell.client.request("shop/worker", "work", { ms, label: "last" }, { timeoutMs: 30_000 });
    answer.catch(() => undefined);
    await vi.waitFor(async () =>
      expect(await cell.kernel.actor("a", "shop/worker")).toMatchObject({ state: "busy" }),
    );
    return { answer };
  };

  it("lets an intent in hand finish at Ctrl-C and answers it, and takes nothing new", async () => {
    const cell = await start();
    const { answer } = await begin(cell, 1_500);
    cell.signal("SIGINT");
    await vi.waitFor(() => expect(cell.output()).toContain("Stopping in order"));
    expect((await answer).value).toEqual({ done: ["last"] });
    expect(await cell.exited).toBe(0);
    await cell.client.close();
    await requireNothingLeft(cell.dir);
    expect(cell.output()).toContain("Stopped.");
  });

  it("stops at once when Ctrl-C comes a second time", async () => {
    const cell = await start();
    await begin(cell, 60_000);
    cell.signal("SIGINT");
    await vi.waitFor(() => expect(cell.output()).toContain("Ctrl-C again stops at once"));
    const pressedAt = performance.now();
    cell.signal("SIGINT");
    expect(await cell.exited).toBe(0);
    // Less than the 5 s of an end in order.
    expect(performance.now() - pressedAt).toBeLessThan(4_500);
    await cell.client.close();
    await requireNothingLeft(cell.dir);
  });

  it("tidies up at its end however often Ctrl-C comes", async () => {
    const cell = await start();
    const pressing = setInterval(() => cell.signal("SIGINT"), 1);
    // The last of them may come when the process has done everything and is about to be gone.
    expect(await cell.exited).toBeOneOf([0, null]);
    clearInterval(pressing);
    await cell.client.close();
    await requireNothingLeft(cell.dir);
  });

  it("goes on when nobody reads its output any more, and still stops in order", async () => {
    const cell = await start();
    cell.closeOutput();
    await cell.kill("node");
    await vi.waitFor(
      async () => {
        const { value } = await cell.client.request("shop/worker", "work", { ms: 1 }, { timeoutMs: 15_000 });
        expect(value).toEqual({ done: [""] });
      },
      { timeout: 15_000, interval: 20 },
    );
    cell.signal("SIGHUP");
    expect(await cell.exited).toBe(0);
    await cell.client.close();
    await requireNothingLeft(cell.dir);
  });
});
