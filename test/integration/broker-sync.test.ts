// What a power loss may take is a property of the cell, and an actor can demand that it is nothing.
import { readFile, rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeDirectory, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

let workspace: Workspace;
let directory: string;
let file: string;
beforeAll(async () => {
  workspace = await makeWorkspace();
  directory = await makeDirectory();
  const till = { actor: "till", behaviour: "./ledger.ts#ledger", durable: true, sync: "always" };
  file = await workspace.write("graph.yaml", manifest("books", [till]));
});
afterAll(async () => {
  await workspace.remove();
  await rm(directory, { recursive: true, force: true });
});

it("an actor that demands a synchronous disk is refused until the broker is set so, and so it stays", async () => {
  const usual = await startCell({ directory });
  const refused = await usual.cli("--json", "plan", file);
  expect(refused.code).not.toBe(0);
  expect(`${refused.stdout}${refused.stderr}`).toContain("MANIFEST_SYNC_NOT_OFFERED");
  expect((await usual.cli("get", "nodes")).stdout).toMatch(/SYNC[\s\S]* 1s /);
  await usual.stop();

  const careful = await startCell({ directory, up: ["--broker-sync", "always"] });
  await careful.json("apply", "--yes", file);
  const { value } = await careful.client.request("books/till", "enter", { entry: 1 });
  expect(value).toEqual({ entry: 1, count: 1 });
  expect((await careful.cli("doctor")).stdout).toContain("sync always");
  expect(await readFile(careful.dir.brokerConfig, "utf8")).toContain("sync_interval: always");
  await careful.stop();

  const again = await startCell({ directory });
  expect(await again.json("get", "nodes")).toMatchObject([{ status: { broker: { sync: "always" } } }]);
  expect((await again.client.request("books/till", "enter", { entry: 2 })).value).toEqual({
    entry: 2,
    count: 2,
  });
  await again.stop();

  // Set back, it is said of the actor, and nothing else is applied either.
  const back = await startCell({ directory, up: ["--broker-sync", "1s"] });
  const { unsatisfied } = await back.kernel.graph();
  expect(unsatisfied).toMatchObject([
    { path: "books/till", reason: expect.stringContaining("sync: always") },
  ]);
  await back.stop();
});
