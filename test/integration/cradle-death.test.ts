// The cradle itself dies: nothing runs on unwatched, and the next start is clean.
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { readHolder } from "../../src/runtime/lock.ts";
import { isRunning, makeDirectory, startCell } from "./live-cell.ts";
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

it("when the cradle is killed with -9 all its processes end, a node whose loop is stuck as well, and the next start answers", async () => {
  const cell = await startCell({ directory, up: [file], spare: true });
  await vi.waitFor(() => cell.pid("node-spare"), { timeout: 30_000, interval: 20 });
  const pids = Object.values((await readHolder(cell.dir))?.children ?? {}).map(({ pid }) => pid);
  expect(pids).toHaveLength(4);
  // No answer is awaited: the node is to be busy when its parent dies.
  const spin = cell.client.request("live/spinner", "spin", { ms: 60_000 }, { timeoutMs: 90 });
  spin.catch(() => undefined);
  await vi.waitFor(() => expect(spin).rejects.toMatchObject({ retryable: true }));
  await cell.kill("cradle");
  await vi.waitFor(() => expect(pids.filter(isRunning)).toEqual([]), { timeout: 5_000, interval: 10 });

  const next = await startCell({ directory, up: [file] });
  const load = startLoad(next.client, "live/parrot");
  await load.more(20);
  expect((await load.stop()).failures).toEqual([]);
  await cell.client.close();
  await next.stop();
});
