import { expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { ABANDON_AFTER_KILL_MS, KILL_MARGIN_MS } from "../../src/supervisor/decide-stop.ts";
import { START_TIMEOUT_MS } from "../../src/supervisor/launch.ts";
import { startTree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, settled, supervisor, World } from "./virtual.ts";

const nested = supervisor("g", [
  actor("g/a"),
  supervisor("g/inner", [actor("g/inner/b"), actor("g/inner/c")]),
  actor("g/d"),
]);

test("children start in order and stop in reverse, through nested supervisors", async () => {
  const world = new World();
  const tree = await startTree({ roots: [nested], ports: world.ports });
  expect(world.takeLog()).toEqual(["start g/a", "start g/inner/b", "start g/inner/c", "start g/d"]);
  expect(await tree.stop(60_000)).toEqual({ kind: "shutdown" });
  const stops = world.takeLog().map((line) => line.split(" ").slice(0, 2).join(" "));
  expect(stops).toEqual(["stop g/d", "stop g/inner/c", "stop g/inner/b", "stop g/a"]);
  expect(world.clock.pending).toBe(0);
});

test("a child that fails to start stops those before it in reverse, and the graph says which and why", async () => {
  const world = new World();
  world.scripts.set("g/inner/c", { start: () => new TypeError("no such tool") });
  const tree = await startTree({ roots: [nested, supervisor("h", [actor("h/x")])], ports: world.ports });
  expect(world.takeLog()).toEqual([
    "start g/a",
    "start g/inner/b",
    "stop g/inner/b 5000",
    "stop g/a 5000",
    "start h/x",
  ]);
  expect(nodeAt(tree, "g")).toMatchObject({
    state: "gaveUp",
    lastExit: {
      reason: "crash: TypeError: no such tool",
      failure: { rootActor: "g/inner/c", origin: "start" },
    },
  });
  expect(nodeAt(tree, "g/inner/c")).toMatchObject({ state: "failed" });
  const told = world.events.map((event) => `${event.actor} ${event.kind.case}`);
  expect(told.filter((line) => !/Started|Stopped/.test(line))).toEqual([
    "g/inner/c actorCrashed",
    "g escalated",
    "g actorGaveUp",
  ]);
  expect(nodeAt(tree, "h/x")).toMatchObject({ state: "running" });
  await tree.stop(1_000);
});

test("a kernel that does not start stops the tree and is the error of its start", async () => {
  const world = new World();
  world.scripts.set("kernel/a/broker-link", {
    start: () => new CellError("SUPERVISOR_CHILD_BUSY", "no broker"),
  });
  const kernel = supervisor("kernel", [actor("kernel/a/authority"), actor("kernel/a/broker-link")]);
  const starting = startTree({ roots: [kernel, supervisor("g", [actor("g/x")])], ports: world.ports });
  await expect(starting).rejects.toMatchObject({
    code: "SUPERVISOR_START_FAILED",
    where: "kernel/a/broker-link",
    message: expect.stringContaining("no broker"),
  });
  expect([...world.children.values()].filter(({ alive }) => alive)).toEqual([]);
});

test("a start that never ends counts as a hang after its time, and its late child is killed", async () => {
  const world = new World();
  world.scripts.set("g/a", { start: () => "hang" });
  const starting = startTree({ roots: [supervisor("g", [actor("g/a")])], ports: world.ports });
  await world.clock.advance(START_TIMEOUT_MS);
  const tree = await starting;
  expect(nodeAt(tree, "g")).toMatchObject({ state: "gaveUp", lastExit: { failure: { class: "hang" } } });
  await tree.stop(0);
});

test("a child that ignores its stop is killed after its grace", async () => {
  const world = new World();
  world.scripts.set("g/a", { stop: "ignores-stop" });
  const tree = await startTree({
    roots: [supervisor("g", [actor("g/a", { shutdownMs: 700 })])],
    ports: world.ports,
  });
  world.takeLog();
  const stopping = tree.stop(60_000);
  await world.clock.advance(700 + KILL_MARGIN_MS);
  expect(await stopping).toEqual({ kind: "shutdown" });
  expect(world.takeLog()).toEqual(["stop g/a 700", "kill g/a"]);
});

test("a child that does not even die is abandoned: nobody waits for it", async () => {
  const world = new World();
  world.scripts.set("g/a", { stop: "ignores-kill" });
  const tree = await startTree({
    roots: [supervisor("g", [actor("g/b"), actor("g/a", { shutdownMs: 700 })])],
    ports: world.ports,
  });
  const stopping = tree.stop(60_000);
  await world.clock.advance(700 + KILL_MARGIN_MS + ABANDON_AFTER_KILL_MS);
  expect(await stopping).toEqual({ kind: "shutdown" });
  expect(world.child("g/b").alive).toBe(false);
});

test("the whole stop keeps to its time: what is left at the deadline is killed", async () => {
  const world = new World();
  for (const path of ["g/a", "g/inner/b"]) world.scripts.set(path, { stop: "ignores-stop" });
  const tree = await startTree({ roots: [nested], ports: world.ports });
  const stopping = tree.stop(1_000);
  await world.clock.advance(1_000 + KILL_MARGIN_MS);
  expect(await stopping).toEqual({ kind: "shutdown" });
  expect([...world.children.values()].filter(({ alive }) => alive)).toEqual([]);
});

test("a second stop with less time makes a slow one fast", async () => {
  const world = new World();
  world.scripts.set("g/d", { stop: "ignores-stop" });
  const tree = await startTree({ roots: [nested], ports: world.ports });
  const stopping = tree.stop(60_000);
  await world.clock.advance(100);
  void tree.stop(0);
  await world.clock.advance(0);
  expect(await stopping).toEqual({ kind: "shutdown" });
});

test("stop works in the middle of a restart loop that fails to start again and again", async () => {
  const world = new World();
  const flaky = supervisor("g", [actor("g/a"), actor("g/x")], {
    intensity: 1_000,
    backoff: { initialMs: 100, maxMs: 1_000, factor: 2 },
  });
  world.random = 0.9;
  world.scripts.set("g/x", { start: (attempt) => (attempt === 1 ? "ok" : new Error("still broken")) });
  const tree = await startTree({ roots: [flaky], ports: world.ports });
  await world.crash("g/x");
  await world.clock.advance(3_000);
  expect(nodeAt(tree, "g")).toMatchObject({ state: "backing-off" });
  expect(nodeAt(tree, "g/x")).toMatchObject({ state: "backing-off", restartAtUnixMs: expect.any(Number) });
  expect(await tree.stop(1_000)).toEqual({ kind: "shutdown" });
  expect(world.clock.pending).toBe(0);
});

test("stop works while a child hangs in its start", async () => {
  const world = new World();
  world.scripts.set("g/x", { start: (attempt) => (attempt === 1 ? "ok" : "hang") });
  const tree = await startTree({ roots: [supervisor("g", [actor("g/x")])], ports: world.ports });
  await world.crash("g/x");
  expect(nodeAt(tree, "g/x")).toMatchObject({ state: "starting" });
  expect(await tree.stop(1_000)).toEqual({ kind: "shutdown" });
});

test("a child that dies while the supervisor stops is not restarted", async () => {
  const world = new World();
  world.scripts.set("g/d", { stop: "ignores-stop" });
  const tree = await startTree({ roots: [nested], ports: world.ports });
  world.takeLog();
  const stopping = tree.stop(60_000);
  await settled();
  await world.crash("g/a");
  world.child("g/d").exit({ kind: "normal" });
  await stopping;
  expect(world.takeLog().filter((line) => line.startsWith("start"))).toEqual([]);
});
