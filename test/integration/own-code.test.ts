// A node runs from the bundle of this package, as its build has it: started so at once, or
// from its next start on when the bundle was made meanwhile. Behaviours share its modules.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundleHome, freshBundle } from "../../src/actors/own-code.ts";
import { type LiveCell, repository, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

let cell: LiveCell;
let workspace: Workspace;
beforeAll(async () => {
  const builder = join(repository, "scripts", "bundle.ts");
  await promisify(execFile)(process.execPath, ["--no-warnings", builder]);
  workspace = await makeWorkspace();
  const children = (["shared", "worker", "process"] as const).map((isolation) => ({
    actor: isolation,
    behaviour: "./parrot.ts#parrot",
    isolation,
  }));
  const file = await workspace.write("graph.yaml", manifest("live", children));
  cell = await startCell({ up: [file] });
});
afterAll(async () => {
  await cell?.stop();
  await workspace.remove();
});

const said = async (actor: string) =>
  (await cell.client.request(`live/${actor}`, "say", { text: "x" }, { timeoutMs: 20_000 })).value;
const commandOf = async (name: "node" | "cradle") =>
  readFileSync(`/proc/${await cell.pid(name)}/cmdline`, "utf8").split("\0");

it.runIf(process.platform === "linux")("the node and its cradle are started from it", async () => {
  const folder = freshBundle(bundleHome(repository));
  expect(folder).toBeDefined();
  expect(await commandOf("node")).toContain(join(folder ?? "", "runtime", "node-process.js"));
  expect(await commandOf("cradle")).toContain(join(folder ?? "", "supervisor", "cradle", "entry.js"));
});

it.each(["shared", "worker", "process"])(
  "a behaviour in isolation %s is the same on it, also after a cold start",
  async (isolation) => {
    expect(await said(isolation)).toEqual({ text: "x", count: 1 });
    await cell.kill("node");
    expect(await said(isolation)).toMatchObject({ text: "x" });
  },
);
