import { expect, test } from "vitest";
import { startTree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, settled, supervisor, World } from "./virtual.ts";

const roots = [supervisor("g", [actor("g/x"), actor("g/y")], { intensity: 3 })];
const snapshotsOf = (world: World, path: string) =>
  world.starts.filter((start) => start.path === path).map(({ snapshot }) => snapshot);

test("a crashed child starts again from its last good snapshot, as a new incarnation", async () => {
  const world = new World();
  world.scripts.set("g/x", { snapshot: { count: 7 } });
  const tree = await startTree({ roots, ports: world.ports });
  await world.crash("g/x");
  await world.crash("g/x");
  expect(snapshotsOf(world, "g/x")).toEqual([undefined, { count: 7 }, { count: 7 }]);
  expect(world.starts.filter(({ path }) => path === "g/x").map(({ incarnation }) => incarnation)).toEqual([
    { term: 1, activation: 1 },
    { term: 1, activation: 2 },
    { term: 1, activation: 3 },
  ]);
  await tree.stop(0);
});

test("after a normal end it starts fresh: what it had finished it need not finish again", async () => {
  const world = new World();
  world.scripts.set("g/x", { snapshot: { count: 7 } });
  const tree = await startTree({ roots, ports: world.ports });
  world.child("g/x").exit({ kind: "normal" });
  await settled();
  expect(snapshotsOf(world, "g/x")).toEqual([undefined, undefined]);
  await tree.stop(0);
});

test("a snapshot that cannot be restored is given up for a fresh start, on record, without another crash counted", async () => {
  const world = new World();
  world.scripts.set("g/x", {
    snapshot: { count: 7 },
    start: (_, snapshot) => (snapshot === undefined ? "ok" : new Error("unknown state")),
  });
  const tree = await startTree({ roots, ports: world.ports });
  await world.crash("g/x");
  expect(snapshotsOf(world, "g/x")).toEqual([undefined, { count: 7 }, undefined]);
  expect(nodeAt(tree, "g/x")).toMatchObject({ state: "running", restarts: 1 });
  const crashes = world.events.flatMap(({ kind }) => (kind.case === "actorCrashed" ? [kind.value] : []));
  expect(crashes).toMatchObject([
    { failure: "crash" },
    { failure: "corruption", name: "RestoreFailed", message: expect.stringContaining("unknown state") },
  ]);
  await tree.stop(0);
});

test("snapshots outlive the restart of a whole subtree", async () => {
  const world = new World();
  world.scripts.set("g/inner/x", { snapshot: "last" });
  world.scripts.set("g/inner/y", { snapshot: "good" });
  const inner = supervisor("g/inner", [actor("g/inner/x"), actor("g/inner/y")], { intensity: 0 });
  const tree = await startTree({ roots: [supervisor("g", [inner])], ports: world.ports });
  await world.crash("g/inner/x");
  await settled();
  expect(snapshotsOf(world, "g/inner/x")).toEqual([undefined, "last"]);
  expect(snapshotsOf(world, "g/inner/y")).toEqual([undefined, "good"]);
  await tree.stop(0);
});

test("an operator may ask for a fresh start", async () => {
  const world = new World();
  world.scripts.set("g/x", { snapshot: "old" });
  const tree = await startTree({ roots, ports: world.ports });
  await tree.restartChild("g/x");
  await tree.restartChild("g/x", { fresh: true });
  expect(snapshotsOf(world, "g/x")).toEqual([undefined, "old", undefined]);
  await tree.stop(0);
});
