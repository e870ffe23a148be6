import { expect, test } from "vitest";
import { startTree, type Tree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, settled, supervisor, World } from "./virtual.ts";

async function running(world: World): Promise<Tree> {
  const inner = supervisor("g/inner", [actor("g/inner/b")], { intensity: 5 });
  const spec = supervisor("g", [actor("g/x"), inner, actor("g/t", { restart: "temporary" })], {
    intensity: 5,
    backoff: { initialMs: 1_000, maxMs: 1_000, factor: 1 },
  });
  return startTree({ roots: [spec], ports: world.ports });
}

type Outcome = "ok" | "SUPERVISOR_ALREADY_RUNNING" | "SUPERVISOR_NOT_FOUND" | "SUPERVISOR_NOT_RUNNING";

test.each<
  [string, (tree: Tree, world: World) => Promise<unknown>, "start" | "stop" | "restart", string, Outcome]
>([
  ["what runs", async () => {}, "start", "g/x", "SUPERVISOR_ALREADY_RUNNING"],
  ["what runs", async () => {}, "stop", "g/x", "ok"],
  ["what runs", async () => {}, "restart", "g/x", "ok"],
  ["what was stopped by hand", (tree) => tree.stopChild("g/x"), "start", "g/x", "ok"],
  ["what was stopped by hand", (tree) => tree.stopChild("g/x"), "stop", "g/x", "ok"],
  ["what was stopped by hand", (tree) => tree.stopChild("g/x"), "restart", "g/x", "ok"],
  ["what waits for its restart", (_, world) => world.crash("g/x"), "start", "g/x", "ok"],
  ["what waits for its restart", (_, world) => world.crash("g/x"), "stop", "g/x", "ok"],
  ["what waits for its restart", (_, world) => world.crash("g/x"), "restart", "g/x", "ok"],
  ["a temporary one that ended", (_, world) => world.crash("g/t"), "start", "g/t", "SUPERVISOR_NOT_FOUND"],
  ["a whole subtree", async () => {}, "stop", "g/inner", "ok"],
  ["a whole subtree", async () => {}, "restart", "g/inner", "ok"],
  ["what no graph holds", async () => {}, "start", "g/none", "SUPERVISOR_NOT_FOUND"],
  ["what no graph holds", async () => {}, "stop", "g/x/deeper", "SUPERVISOR_NOT_FOUND"],
  [
    "a child of a supervisor that is down",
    (tree) => tree.stopChild("g/inner"),
    "start",
    "g/inner/b",
    "SUPERVISOR_NOT_RUNNING",
  ],
])("for %s, %# %s", async (_, prepare, operation, path, outcome) => {
  const world = new World();
  world.random = 0.9;
  const tree = await running(world);
  await prepare(tree, world);
  const operate = { start: tree.startChild, stop: tree.stopChild, restart: tree.restartChild }[operation];
  const result = await operate.call(tree, path);
  expect(result.ok ? "ok" : result.error.code).toBe(outcome);
  if (!result.ok) return;
  expect(nodeAt(tree, path).state).toBe(operation === "stop" ? "stopped" : "running");
  expect(nodeAt(tree, path).stoppedBy).toBe(operation === "stop" ? "operator" : undefined);
  await tree.stop(0);
  expect(world.clock.pending).toBe(0);
});

test("what was stopped by hand stays down, marked, until it is started", async () => {
  const world = new World();
  const tree = await running(world);
  await tree.stopChild("g/x");
  await world.clock.advance(60_000);
  expect(nodeAt(tree, "g/x")).toMatchObject({
    state: "stopped",
    stoppedBy: "operator",
    lastExit: { reason: "shutdown" },
  });
  await tree.startChild("g/x");
  expect(nodeAt(tree, "g/x")).toMatchObject({
    state: "running",
    restarts: 0,
    incarnation: { activation: 2 },
  });
  expect("stoppedBy" in nodeAt(tree, "g/x")).toBe(false);
  await tree.stop(0);
});

test("stopping what gave up or ended leaves it its own reason: it is no drift", async () => {
  const world = new World();
  const tree = await startTree({
    roots: [supervisor("g", [actor("g/x")], { intensity: 0 })],
    ports: world.ports,
  });
  await world.crash("g/x");
  await settled();
  expect((await tree.stopChild("g")).ok).toBe(true);
  expect(nodeAt(tree, "g").state).toBe("gaveUp");
  expect("stoppedBy" in nodeAt(tree, "g")).toBe(false);
  await tree.stop(0);
});

test("an operator's restart that fails is told with its reason and is no loop", async () => {
  const world = new World();
  world.scripts.set("g/x", { start: (attempt) => (attempt === 1 ? "ok" : new Error("bad input")) });
  const tree = await running(world);
  const result = await tree.restartChild("g/x");
  expect(result).toMatchObject({ ok: false, error: { code: "SUPERVISOR_START_FAILED", where: "g/x" } });
  await world.clock.advance(60_000);
  expect(world.starts.filter(({ path }) => path === "g/x")).toHaveLength(2);
  expect(nodeAt(tree, "g/x")).toMatchObject({
    state: "failed",
    lastExit: { failure: { message: "bad input" } },
  });
  await tree.stop(0);
});

test("an operator's restarts never use up the intensity", async () => {
  const world = new World();
  const tree = await startTree({
    roots: [supervisor("g", [actor("g/x")], { intensity: 0 })],
    ports: world.ports,
  });
  for (let i = 0; i < 10; i++) expect((await tree.restartChild("g/x")).ok).toBe(true);
  expect(nodeAt(tree, "g/x")).toMatchObject({
    state: "running",
    restarts: 0,
    incarnation: { activation: 11 },
  });
  await tree.stop(0);
});

test("several operations on one child at once are each answered", async () => {
  const world = new World();
  const tree = await running(world);
  const results = await Promise.all([
    tree.stopChild("g/x"),
    tree.stopChild("g/x"),
    tree.startChild("g/x"),
    tree.restartChild("g/x"),
  ]);
  expect(results.map((result) => (result.ok ? "ok" : result.error.code))).toEqual([
    "ok",
    "ok",
    "SUPERVISOR_CHILD_BUSY",
    "SUPERVISOR_CHILD_BUSY",
  ]);
  await tree.stop(0);
});

test("operations under way when the tree stops are answered too", async () => {
  const world = new World();
  world.scripts.set("g/x", { stop: "ignores-stop" });
  const tree = await running(world);
  const restarting = tree.restartChild("g/x");
  await settled();
  const stopping = tree.stop(100);
  await world.clock.advance(1_000);
  expect(await restarting).toMatchObject({ ok: false, error: { code: "SUPERVISOR_NOT_RUNNING" } });
  await stopping;
  expect(await tree.startChild("g/x")).toMatchObject({ ok: false });
});
