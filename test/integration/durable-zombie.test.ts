// A node's process that was stopped for so long that another one took its place, and then
// goes on: what it had in hand is refused by the broker, and it ends itself. The cradle, which
// would kill a stopped process, is stopped as well, as on a machine that was suspended.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { modulePath } from "../../src/runtime/package-info.ts";
import { isRunning, type LiveCell, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const TIMEOUT_MS = 30_000;
let cell: LiveCell;
let workspace: Workspace;
beforeAll(async () => {
  workspace = await makeWorkspace();
  const till = { actor: "till", behaviour: "./ledger.ts#ledger", durable: true };
  cell = await startCell({ up: [await workspace.write("graph.yaml", manifest("books", [till]))] });
});
afterAll(async () => {
  await cell?.stop();
  await workspace.remove();
});

const request = async (intent: string, payload: object) =>
  (await cell.client.request("books/till", intent, payload, { timeoutMs: TIMEOUT_MS })).value;
const read = async () => ((await request("read", {})) as { entries: number[] }).entries;

/** A second process of the node, on the same directory; resolves when it has taken up work. */
async function startSuccessor(): Promise<ChildProcess> {
  const log = openSync(`${cell.dir.nodeLog}.successor`, "a");
  const child = spawn(process.execPath, [modulePath("runtime/node-process.ts"), cell.dir.root], {
    stdio: ["ignore", log, log, "ipc", "pipe"],
  });
  closeSync(log);
  const said = (type: string) =>
    new Promise<void>((resolve, reject) => {
      child.on("message", (message) => {
        if (typeof message === "object" && "type" in message && message.type === type) resolve();
      });
      child.once("exit", () => reject(new Error(readFileSync(`${cell.dir.nodeLog}.successor`, "utf8"))));
    });
  const ready = said("ready");
  await said("standby");
  child.send({ type: "promote", suspects: [] });
  await ready;
  return child;
}

it("a process that wakes after its successor has committed writes nothing and ends itself", async () => {
  let entry = 0;
  let stopped = false;
  const lane = async () => {
    while (!stopped) await request("enter", { entry: ++entry });
  };
  const lanes = Array.from({ length: 6 }, lane);
  const further = (count: number) => {
    const from = entry;
    return vi.waitFor(() => expect(entry).toBeGreaterThan(from + count), { timeout: TIMEOUT_MS });
  };
  await further(60);
  const [cradle, zombie] = [await cell.pid("cradle"), await cell.pid("node")];
  process.kill(cradle, "SIGSTOP");
  process.kill(zombie, "SIGSTOP");
  const successor = await startSuccessor();
  await further(60);
  expect(isRunning(zombie)).toBe(true);
  process.kill(zombie, "SIGCONT");
  await vi.waitFor(() => expect(isRunning(zombie)).toBe(false), { timeout: TIMEOUT_MS, interval: 10 });
  expect(readFileSync(cell.dir.nodeLog, "utf8")).toContain("ACTOR_FENCED");
  await further(60);
  expect(successor.exitCode).toBeNull();
  // Now the cradle finds its node ended, and starts another one: the successor gives way in turn.
  process.kill(cradle, "SIGCONT");
  const ended = successor.exitCode === null ? once(successor, "exit") : Promise.resolve();
  await further(60);
  await ended;
  stopped = true;
  await Promise.all(lanes);
  expect([...(await read())].sort((a, b) => a - b)).toEqual(Array.from({ length: entry }, (_, at) => at + 1));
});
