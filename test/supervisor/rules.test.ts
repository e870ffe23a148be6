// Supervisors decide by the matrix that they are given: changing a rule changes what
// happens. And what a sender can cause at will never climbs above layer 2.
import { describe, expect, test } from "vitest";
import type { Failure, FailureClass } from "../../src/actors/child.ts";
import { matrix } from "../../src/supervisor/matrix.ts";
import type { Answer, ResurrectionMatrix } from "../../src/supervisor/matrix-rules.ts";
import { startTree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, intentInHand, settled, supervisor, World } from "./virtual.ts";

const roots = [supervisor("g", [actor("g/x"), actor("g/y")], { intensity: 2 })];
const withActorRule = (failure: FailureClass, change: Partial<Answer<"actor">>): ResurrectionMatrix => ({
  ...matrix,
  actor: { ...matrix.actor, [failure]: { ...matrix.actor[failure], ...change } },
});
const startsOf = (world: World, path = "g/x") =>
  world.starts.filter((start) => start.path === path).map(({ snapshot }) => snapshot);
const quiet = async () => {
  for (let turn = 0; turn < 10; turn++) await settled();
};

describe("changing a rule changes what happens", () => {
  const rows: [string, Partial<Answer<"actor">>, unknown][] = [
    ["as it stands: from the last good snapshot", {}, { state: "running", starts: [undefined, "good"] }],
    ["restart-fresh", { action: "restart-fresh" }, { state: "running", starts: [undefined, undefined] }],
    ["park", { action: "park" }, { state: "parked", starts: [undefined] }],
    [
      "a bound of its own that is used up at once, beyond it park",
      { counting: { restarts: 0, periodMs: 1_000 }, escalation: "park" },
      { state: "parked", starts: [undefined] },
    ],
    [
      "no rule at all: the layer above decides",
      { kind: "notApplicable", reason: "not here" } as Partial<Answer<"actor">>,
      { state: "failed", starts: [undefined] },
    ],
  ];
  test.each(rows)("a crash, %s", async (_, change, expected) => {
    const world = new World();
    world.scripts.set("g/x", { snapshot: "good" });
    const tree = await startTree({ roots, ports: world.ports, matrix: withActorRule("crash", change) });
    await world.crash("g/x");
    await quiet();
    expect({ state: nodeAt(tree, "g/x").state, starts: startsOf(world) }).toEqual(expected);
    await tree.stop(0);
  });

  test("at layer 2: a subtree may come back from the beginning", async () => {
    for (const action of ["restart-subtree", "restart-subtree-fresh"] as const) {
      const world = new World();
      world.scripts.set("g/s/x", { snapshot: "good" });
      world.scripts.set("g/s/y", { snapshot: "fine" });
      const s = supervisor("g/s", [actor("g/s/x"), actor("g/s/y")], { intensity: 0 });
      const subtree = { ...matrix.subtree, crash: { ...matrix.subtree.crash, action } } as const;
      const tree = await startTree({
        roots: [supervisor("g", [s])],
        ports: world.ports,
        matrix: { ...matrix, subtree } as ResurrectionMatrix,
      });
      await world.crash("g/s/x");
      await quiet();
      const isFresh = action === "restart-subtree-fresh";
      expect(startsOf(world, "g/s/y")).toEqual([undefined, isFresh ? undefined : "fine"]);
      await tree.stop(0);
    }
  });
});

describe.each<FailureClass>(["crash", "hang", "exhaustion", "drift", "loss"])("%s", (failureClass) => {
  test("restarts from the last good snapshot, counted by the intensity, its class on record", async () => {
    const world = new World();
    world.scripts.set("g/x", { snapshot: "good" });
    const tree = await startTree({ roots, ports: world.ports });
    await world.crash("g/x", "one", { class: failureClass });
    await quiet();
    expect(startsOf(world)).toEqual([undefined, "good"]);
    expect(nodeAt(tree, "g")).toMatchObject({ restartsInPeriod: 1 });
    const told = world.events.flatMap(({ kind }) => (kind.case === "actorRestarted" ? [kind.value] : []));
    expect(told).toMatchObject([{ failure: failureClass }]);
    await tree.stop(0);
  });
});

describe("poison", () => {
  const poison: Partial<Failure> = { class: "poison", intent: intentInHand };

  test("does not count towards the intensity, and is parked beyond its own bound", async () => {
    const world = new World();
    const tree = await startTree({ roots, ports: world.ports });
    for (let death = 1; death <= 5; death++) {
      await world.crash("g/x", `death ${death}`, poison);
      await quiet();
      expect([death, nodeAt(tree, "g/x").state]).toEqual([death, "running"]);
    }
    expect(nodeAt(tree, "g")).toMatchObject({ state: "running", restartsInPeriod: 0 });
    await world.crash("g/x", "death 6", poison);
    await quiet();
    expect(nodeAt(tree, "g/x")).toMatchObject({
      state: "parked",
      lastExit: { failure: { message: "death 6" } },
    });
    expect(nodeAt(tree, "g/y")).toMatchObject({ state: "running", restarts: 0 });
    expect(world.kinds("g/x").at(-1)).toBe("actorParked");
    await tree.stop(0);
  });

  test("spaced by more than its period it never trips its bound", async () => {
    const world = new World();
    const tree = await startTree({ roots, ports: world.ports });
    for (let death = 0; death < 20; death++) {
      await world.crash("g/x", "again", poison);
      await world.clock.advance(15_000);
    }
    expect(nodeAt(tree, "g/x").state).toBe("running");
    await tree.stop(0);
  });
});

describe("what a sender can cause at will", () => {
  const bySender = { intent: intentInHand };

  test("takes no graph down: the actor is parked, and the rest comes back around it with its state", async () => {
    const world = new World();
    world.scripts.set("g/y", { snapshot: "kept" });
    const tree = await startTree({ roots, ports: world.ports });
    for (let crash = 0; crash < 3; crash++) {
      await world.crash("g/x", "asked to", bySender);
      await quiet();
    }
    expect(nodeAt(tree, "g")).toMatchObject({ state: "running" });
    expect(nodeAt(tree, "g/x")).toMatchObject({
      state: "parked",
      lastExit: { failure: { rootActor: "g/x", message: "asked to" } },
    });
    expect(nodeAt(tree, "g/y").state).toBe("running");
    expect(startsOf(world, "g/y")).toEqual([undefined, "kept"]);
    await tree.stop(0);
  });

  test("climbs to layer 2 first where there is one", async () => {
    const world = new World();
    const s = supervisor("g/s", [actor("g/s/x")], { intensity: 0 });
    const tree = await startTree({ roots: [supervisor("g", [s], { intensity: 1 })], ports: world.ports });
    await world.crash("g/s/x", "asked to", bySender);
    await quiet();
    expect(nodeAt(tree, "g/s/x")).toMatchObject({ state: "running", restarts: 0 });
    expect(nodeAt(tree, "g/s")).toMatchObject({ state: "running", restarts: 1 });
    await world.crash("g/s/x", "asked to", bySender);
    await quiet();
    expect(nodeAt(tree, "g/s/x").state).toBe("parked");
    expect(nodeAt(tree, "g")).toMatchObject({ state: "running", restartsInPeriod: 1 });
    await tree.stop(0);
  });

  test("does not take the kernel down either", async () => {
    const world = new World();
    const gaveUp: Failure[] = [];
    const kernel = supervisor("kernel", [actor("kernel/a"), actor("kernel/b")], { intensity: 0 });
    const tree = await startTree({
      roots: [kernel],
      ports: world.ports,
      onKernelGaveUp: (failure) => gaveUp.push(failure),
    });
    await world.crash("kernel/a", "asked to", bySender);
    await quiet();
    expect(gaveUp).toEqual([]);
    expect(nodeAt(tree, "kernel/a").state).toBe("parked");
    expect(nodeAt(tree, "kernel/b").state).toBe("running");
    await tree.stop(0);
  });

  test("a parked actor stays parked through restarts of its supervisor, until it is started by hand", async () => {
    const world = new World();
    const s = supervisor("g/s", [actor("g/s/x"), actor("g/s/y")], { intensity: 0 });
    const tree = await startTree({ roots: [supervisor("g", [s], { intensity: 9 })], ports: world.ports });
    await world.crash("g/s/x", "rules", { class: "treachery" });
    await quiet();
    expect(nodeAt(tree, "g/s/x").state).toBe("parked");
    await world.crash("g/s/y");
    await quiet();
    expect(nodeAt(tree, "g/s")).toMatchObject({ state: "running", restarts: 1 });
    expect(nodeAt(tree, "g/s/x")).toMatchObject({
      state: "parked",
      lastExit: { failure: { message: "rules" } },
    });
    await world.clock.advance(600_000);
    expect(nodeAt(tree, "g/s/x").state).toBe("parked");
    expect((await tree.startChild("g/s/x")).ok).toBe(true);
    await world.crash("g/s/y");
    await quiet();
    expect(nodeAt(tree, "g/s/x").state).toBe("running");
    await tree.stop(0);
  });
});

test("the kernel's giving up is told with the rule of layer 3", async () => {
  const world = new World();
  const told: unknown[] = [];
  const kernel = supervisor("kernel", [actor("kernel/a")], { intensity: 0 });
  const tree = await startTree({
    roots: [kernel],
    ports: world.ports,
    onKernelGaveUp: (failure, rule) => told.push([failure.class, rule]),
  });
  await world.crash("kernel/a", "stuck", { class: "hang" });
  await quiet();
  expect(told).toEqual([["hang", matrix.kernel.hang]]);
  await tree.stop(0);
});

test("a child's count of restarts outlives its supervisor's own restart", async () => {
  const world = new World();
  const s = supervisor("g/s", [actor("g/s/x")], { intensity: 2 });
  const tree = await startTree({ roots: [supervisor("g", [s], { intensity: 5 })], ports: world.ports });
  for (let crash = 0; crash < 3; crash++) {
    await world.crash("g/s/x");
    await quiet();
  }
  expect(nodeAt(tree, "g/s")).toMatchObject({ restarts: 1 });
  expect(nodeAt(tree, "g/s/x")).toMatchObject({ state: "running", restarts: 2 });
  await tree.stop(0);
});
