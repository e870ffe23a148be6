import { expect, test } from "vitest";
import type { Failure } from "../../src/actors/child.ts";
import { startTree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, failed, settled, supervisor, World } from "./virtual.ts";

test("one restart too many: children stop in reverse, and the parent restarts the supervisor", async () => {
  const world = new World();
  const inner = supervisor("g/inner", [actor("g/inner/a"), actor("g/inner/x"), actor("g/inner/b")], {
    intensity: 1,
  });
  const tree = await startTree({
    roots: [supervisor("g", [inner, actor("g/z")], { intensity: 1 })],
    ports: world.ports,
  });
  await world.crash("g/inner/x", "first");
  world.takeLog();
  await world.crash("g/inner/x", "second");
  await settled();
  expect(world.takeLog()).toEqual([
    "stop g/inner/b 5000",
    "stop g/inner/a 5000",
    "start g/inner/a",
    "start g/inner/x",
    "start g/inner/b",
  ]);
  expect(nodeAt(tree, "g/inner")).toMatchObject({ state: "running", restarts: 1 });
  expect(nodeAt(tree, "g/z")).toMatchObject({ restarts: 0, incarnation: { activation: 1 } });
  const told = world.events.map(({ actor: path, kind }) => `${path} ${kind.case}`);
  expect(told).toContain("g/inner actorGaveUp");
  expect(told).toContain("g escalated");
  await tree.stop(0);
});

test("escalating to the top, the graph is kept as gaveUp with its root cause; other graphs run on", async () => {
  const world = new World();
  const gaveUp: Failure[] = [];
  const inner = supervisor("g/inner", [actor("g/inner/x")], { intensity: 0 });
  const tree = await startTree({
    roots: [supervisor("g", [actor("g/a"), inner], { intensity: 0 }), supervisor("h", [actor("h/y")])],
    ports: world.ports,
    onKernelGaveUp: (failure) => gaveUp.push(failure),
  });
  await world.crash("g/inner/x", "the end");
  await settled();
  expect(nodeAt(tree, "g")).toMatchObject({
    state: "gaveUp",
    lastExit: { reason: "crash: Error: the end", failure: { rootActor: "g/inner/x" } },
  });
  expect(nodeAt(tree, "g/a")).toMatchObject({ state: "stopped" });
  expect(nodeAt(tree, "h/y")).toMatchObject({ state: "running" });
  await world.clock.advance(600_000);
  expect(nodeAt(tree, "g").state).toBe("gaveUp");
  expect(gaveUp).toEqual([]);

  expect((await tree.restartChild("g")).ok).toBe(true);
  expect(nodeAt(tree, "g/inner/x")).toMatchObject({ state: "running" });
  await tree.stop(0);
});

test("the kernel's giving up is reported with the actor that failed first", async () => {
  const world = new World();
  const gaveUp: Failure[] = [];
  const tree = await startTree({
    roots: [supervisor("kernel", [actor("kernel/a/core-link")], { intensity: 1 })],
    ports: world.ports,
    onKernelGaveUp: (failure) => gaveUp.push(failure),
  });
  await world.crash("kernel/a/core-link");
  expect(gaveUp).toEqual([]);
  await world.crash("kernel/a/core-link");
  expect(gaveUp).toMatchObject([{ rootActor: "kernel/a/core-link", message: "boom" }]);
  await tree.stop(0);
});

test("spaced restarts never trip the limit, and the backoff starts small again", async () => {
  const world = new World();
  world.random = 0.999;
  const spec = supervisor("g", [actor("g/x")], {
    intensity: 2,
    periodMs: 1_000,
    backoff: { initialMs: 50, maxMs: 10_000, factor: 4 },
  });
  const tree = await startTree({ roots: [spec], ports: world.ports });
  for (let i = 0; i < 20; i++) {
    await world.crash("g/x");
    const { restartAtUnixMs = 0 } = nodeAt(tree, "g/x");
    expect(restartAtUnixMs - world.clock.unixMs()).toBeLessThanOrEqual(50);
    await world.clock.advance(1_100);
  }
  expect(nodeAt(tree, "g/x")).toMatchObject({ state: "running", restarts: 20 });
  await tree.stop(0);
});

test("a child's own backoff holds for it, its supervisor's for the others", async () => {
  const world = new World();
  world.random = 0.999;
  const backoff = { initialMs: 1_000, maxMs: 1_000, factor: 1 };
  const children = [actor("g/x", { backoff }), actor("g/y")];
  const spec = supervisor("g", children, {
    intensity: 5,
    backoff: { initialMs: 100, maxMs: 100, factor: 1 },
  });
  const tree = await startTree({ roots: [spec], ports: world.ports });
  const waitOf = async (path: string) => {
    await world.crash(path);
    return (nodeAt(tree, path).restartAtUnixMs ?? 0) - world.clock.unixMs();
  };
  expect([await waitOf("g/x"), await waitOf("g/y")]).toEqual([999, 100]);
  await world.clock.advance(1_000);
  expect([nodeAt(tree, "g/x").state, nodeAt(tree, "g/y").state]).toEqual(["running", "running"]);
  await tree.stop(0);
});

test("a restart that fails to start is tried again, each try counted", async () => {
  const world = new World();
  world.scripts.set("g/x", { start: (attempt) => (attempt === 2 ? new Error("not yet") : "ok") });
  const tree = await startTree({
    roots: [supervisor("g", [actor("g/x")], { intensity: 2 })],
    ports: world.ports,
  });
  await world.crash("g/x");
  expect(nodeAt(tree, "g/x")).toMatchObject({ state: "running", restarts: 2 });
  const restarted = world.events.find(({ kind }) => kind.case === "actorRestarted");
  expect(restarted?.kind).toMatchObject({ value: { restarts: 2, failure: "crash" } });
  await tree.stop(0);
});

test("a supervisor that is killed takes its children with it", async () => {
  const world = new World();
  const tree = await startTree({
    roots: [supervisor("g", [actor("g/x"), actor("g/y")])],
    ports: world.ports,
  });
  await tree.stop(0);
  expect(world.takeLog().slice(2)).toEqual(["kill g/y", "kill g/x"]);
});

test("what a crash's event names: class, intent in hand and incarnation", async () => {
  const world = new World();
  const tree = await startTree({ roots: [supervisor("g", [actor("g/x")])], ports: world.ports });
  const intent = {
    id: "01",
    rootId: "01",
    causeId: "",
    hash: "02",
    type: "greet",
    principal: "operator",
    source: "",
    epoch: 0,
  };
  const reason = failed("g/x");
  if (reason.kind !== "failed") throw new Error("not failed");
  world.child("g/x").exit({ kind: "failed", failure: { ...reason.failure, class: "poison", intent } });
  await settled();
  expect(world.events.find(({ kind }) => kind.case === "actorCrashed")).toMatchObject({
    actor: "g/x",
    incarnation: { term: 1, activation: 1 },
    intent: { id: "01", type: "greet" },
    kind: { value: { failure: "poison", message: "boom" } },
  });
  await tree.stop(0);
});
