import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import type { OnCorruption } from "../../src/manifest/graph.ts";
import { KeptSnapshots } from "../../src/supervisor/kept-snapshots.ts";
import { startTree, type Tree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, supervisor, World } from "./virtual.ts";

const graph = (onCorruption?: OnCorruption) => [
  supervisor("g", [actor("g/x", onCorruption === undefined ? {} : { onCorruption }), actor("g/y")], {
    intensity: 10,
  }),
];
const startsOf = (world: World) =>
  world.starts.filter(({ path }) => path === "g/x").map(({ snapshot }) => snapshot);
const setAside = (world: World) =>
  world.events.flatMap(({ kind }) => (kind.case === "snapshotSetAside" ? [kind.value] : []));

/** Two runs that leave a snapshot each; the second one's is damaged. */
async function damaged(world: World, tree: Tree): Promise<void> {
  world.child("g/x").leaves({ count: 1 });
  await world.crash("g/x");
  world.child("g/x").leaves({ count: 2 });
  await world.crash("g/x");
  world.child("g/x").leaves({ count: 3 });
  tree.damageNextSnapshot("g/x");
  await world.crash("g/x");
}

describe("a bit that flips in the last good snapshot", () => {
  const rows: [onCorruption: OnCorruption | undefined, next: string, from: unknown][] = [
    [undefined, "previous", { count: 2 }],
    ["previous", "previous", { count: 2 }],
    ["fresh", "fresh", undefined],
  ];
  test.for(rows)("with onCorruption %s the next start is: %s", async ([onCorruption, next, from]) => {
    const world = new World();
    const tree = await startTree({ roots: graph(onCorruption), ports: world.ports });
    await damaged(world, tree);
    expect(startsOf(world).at(-1)).toEqual(from);
    expect(setAside(world)).toMatchObject([
      { reason: expect.stringContaining("ACTOR_SNAPSHOT_CORRUPT"), next, quarantine: "q1" },
    ]);
    const [told] = setAside(world);
    expect(told?.foundHash).not.toEqual(told?.expectedHash);
    const [kept] = world.quarantined;
    expect(kept).toMatchObject({ path: "g/x" });
    expect(Buffer.from(kept?.snapshot.bytes ?? []).toString()).not.toBe(JSON.stringify({ count: 3 }));
    expect(nodeAt(tree, "g/x")).toMatchObject({ state: "running", restarts: 3 });
    await tree.stop(0);
  });

  test("with none before it, the start is a fresh one, on record", async () => {
    const world = new World();
    world.scripts.set("g/x", { snapshot: { count: 1 } });
    const tree = await startTree({ roots: graph(), ports: world.ports });
    tree.damageNextSnapshot("g/x");
    await world.crash("g/x");
    expect(startsOf(world)).toEqual([undefined, undefined]);
    expect(setAside(world)).toMatchObject([{ next: "fresh" }]);
    await tree.stop(0);
  });

  test("touches no sibling", async () => {
    const world = new World();
    const tree = await startTree({ roots: graph(), ports: world.ports });
    await damaged(world, tree);
    expect(nodeAt(tree, "g/y")).toMatchObject({ state: "running", restarts: 0 });
    await tree.stop(0);
  });
});

test("with onCorruption park the actor stays down as parked, its siblings go on, and a start by hand is a fresh one", async () => {
  const world = new World();
  const tree = await startTree({ roots: graph("park"), ports: world.ports });
  await damaged(world, tree);
  expect(setAside(world)).toMatchObject([{ next: "park" }]);
  expect(nodeAt(tree, "g/x")).toMatchObject({ state: "parked" });
  expect(nodeAt(tree, "g/y")).toMatchObject({ state: "running", restarts: 0 });
  expect(await tree.startChild("g/x")).toMatchObject({ ok: true });
  expect(startsOf(world).at(-1)).toBeUndefined();
  await tree.stop(0);
});

test("snapshots that the behaviour cannot read are set aside one by one, then the start is fresh", async () => {
  const world = new World();
  const tree = await startTree({ roots: graph(), ports: world.ports });
  world.child("g/x").leaves({ count: 1 });
  await world.crash("g/x");
  world.child("g/x").leaves({ count: 2 });
  world.scripts.set("g/x", {
    start: (_, snapshot) =>
      snapshot === undefined ? "ok" : new CellError("ACTOR_SNAPSHOT_INVALID", "an unknown state"),
  });
  await world.crash("g/x");
  expect(startsOf(world)).toEqual([undefined, { count: 1 }, { count: 2 }, { count: 1 }, undefined]);
  expect(setAside(world).map(({ next }) => next)).toEqual(["previous", "fresh"]);
  expect(nodeAt(tree, "g/x")).toMatchObject({ state: "running", restarts: 2 });
  await tree.stop(0);
});

test("a fresh start leaves no older state to fall back to", async () => {
  const world = new World();
  const tree = await startTree({ roots: graph(), ports: world.ports });
  world.child("g/x").leaves({ old: true });
  await world.crash("g/x");
  await tree.restartChild("g/x", { fresh: true });
  world.child("g/x").leaves({ new: true });
  tree.damageNextSnapshot("g/x");
  await world.crash("g/x");
  expect(startsOf(world).at(-1)).toBeUndefined();
  await tree.stop(0);
});

test("a state that is too large is not kept, and that is on record", async () => {
  const world = new World();
  const tree = await startTree({ roots: graph(), ports: world.ports });
  world.child("g/x").leaves("x".repeat(17 * 1024 * 1024));
  await world.crash("g/x");
  expect(startsOf(world)).toEqual([undefined, undefined]);
  const warnings = world.events.flatMap(({ kind }) => (kind.case === "actorLogged" ? [kind.value] : []));
  expect(warnings).toMatchObject([{ message: expect.stringContaining("ACTOR_SNAPSHOT_UNSUPPORTED") }]);
  await tree.stop(0);
});

test("what is held for fallback stays within its bound, and the newest is never given up for it", () => {
  const step = fc.record({
    path: fc.constantFrom("a", "b", "a/c", "d"),
    do: fc.constantFrom("keep" as const, "used" as const, "drop" as const, "dropBelow" as const),
    bytes: fc.integer({ min: 1, max: 60 }),
  });
  const property = fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const kept = new KeptSnapshots(100);
    const newest = new Map<string, number>();
    for (const { path, do: what, bytes } of steps) {
      if (what === "keep") {
        kept.keep(path, { bytes: new Uint8Array(bytes), hash: new Uint8Array(32) });
        newest.set(path, bytes);
      } else {
        kept[what](path);
        for (const known of [...newest.keys()])
          if (known === path || (what === "dropBelow" && known.startsWith(`${path}/`))) newest.delete(known);
      }
      const paths = ["a", "b", "a/c", "d"];
      const held = paths.reduce((sum, each) => sum + (kept.before(each)?.bytes.length ?? 0), 0);
      expect(held).toBeLessThanOrEqual(100);
      for (const each of paths) expect(kept.newest(each)?.bytes.length).toBe(newest.get(each));
    }
  });
  fc.assert(property, { verbose: 1 });
});
