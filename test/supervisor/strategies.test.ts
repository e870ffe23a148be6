// Erlang/OTP's supervisor_SUITE, group by group, for the strategies that restart more than
// the child that failed: restart type x exit x strategy, failed starts, escalation.
import { describe, expect, test } from "vitest";
import type { ExitReason } from "../../src/actors/child.ts";
import type { RestartType, Strategy } from "../../src/manifest/graph.ts";
import { startTree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, failed, settled, supervisor, World } from "./virtual.ts";

const exits: Readonly<Record<string, ExitReason>> = {
  normal: { kind: "normal" },
  shutdown: { kind: "shutdown" },
  killed: { kind: "killed" },
  failed: failed("g/b"),
};

const rows = (["permanent", "transient", "temporary"] as const).flatMap((restart) =>
  Object.keys(exits).map((exit): [RestartType, string, boolean] => {
    const isAbnormal = exit === "killed" || exit === "failed";
    return [restart, exit, restart === "permanent" || (restart === "transient" && isAbnormal)];
  }),
);

async function threeOf(world: World, strategy: Strategy, restart: RestartType) {
  const children = [actor("g/a"), actor("g/b", { restart }), actor("g/c")];
  const tree = await startTree({ roots: [supervisor("g", children, { strategy })], ports: world.ports });
  world.takeLog();
  return tree;
}

describe.each(["one_for_all", "rest_for_one"] as const)("%s", (strategy) => {
  const above = strategy === "one_for_all" ? ["stop g/a 5000"] : [];
  const up = strategy === "one_for_all" ? ["start g/a"] : [];

  test.each(rows)(
    "a %s child that exits with %s: its group is restarted: %s",
    async (restart, exit, isBack) => {
      const world = new World();
      const tree = await threeOf(world, strategy, restart);
      world.child("g/b").exit(exits[exit] ?? { kind: "normal" });
      await world.clock.advance(0);
      const group = ["stop g/c 5000", ...above, ...up, "start g/b", "start g/c"];
      expect(world.takeLog()).toEqual(isBack ? group : []);
      expect(tree.has("g/b")).toBe(restart !== "temporary");
      expect(nodeAt(tree, "g/c").state).toBe("running");
      await tree.stop(0);
      expect(world.clock.pending).toBe(0);
    },
  );

  test("temporary members are stopped, neither restarted nor counted, and leave no specification", async () => {
    const world = new World();
    const children = [actor("g/a"), actor("g/t", { restart: "temporary" }), actor("g/c")];
    const roots = [supervisor("g", children, { strategy, intensity: 1 })];
    const tree = await startTree({ roots, ports: world.ports });
    world.takeLog();
    await world.crash("g/a");
    await world.clock.advance(0);
    const log = ["stop g/c 5000", "stop g/t 5000", "start g/a", "start g/c"];
    expect(world.takeLog()).toEqual(log);
    expect(tree.has("g/t")).toBe(false);
    await tree.stop(0);
  });

  test("a member that fails to start is retried as part of the restart, and counts", async () => {
    const world = new World();
    const children = [actor("g/a"), actor("g/b"), actor("g/c")];
    const roots = [supervisor("g", children, { strategy, intensity: 3 })];
    const tree = await startTree({ roots, ports: world.ports });
    world.scripts.set("g/c", { start: (attempt) => (attempt < 4 ? new Error("not yet") : "ok") });
    await world.crash("g/a");
    for (let turn = 0; turn < 12; turn++) await settled();
    for (const path of ["g/a", "g/b", "g/c"]) expect(nodeAt(tree, path).state).toBe("running");
    expect(nodeAt(tree, "g")).toMatchObject({ restartsInPeriod: 3 });
    await tree.stop(0);
  });

  test("one that keeps failing to start exhausts the limit: the supervisor gives up with that reason", async () => {
    const world = new World();
    const roots = [supervisor("g", [actor("g/a"), actor("g/b")], { strategy, intensity: 2 })];
    const tree = await startTree({ roots, ports: world.ports });
    world.scripts.set("g/b", { start: () => new Error("never again") });
    await world.crash("g/a");
    for (let turn = 0; turn < 12; turn++) await settled();
    expect(nodeAt(tree, "g")).toMatchObject({
      state: "gaveUp",
      lastExit: { failure: { rootActor: "g/b", message: "never again" } },
    });
    expect(nodeAt(tree, "g/a").state).toBe("stopped");
    await tree.stop(0);
  });

  test("escalates when more than `intensity` restarts fall within `period`", async () => {
    const world = new World();
    const tree = await threeOf(world, strategy, "permanent");
    await world.crash("g/b");
    await world.clock.advance(0);
    await world.crash("g/b", "once more");
    await world.clock.advance(0);
    expect(nodeAt(tree, "g")).toMatchObject({ state: "gaveUp", lastExit: { failure: { rootActor: "g/b" } } });
    await tree.stop(0);
  });

  test("an end that comes while the group restarts is judged once it is through", async () => {
    const world = new World();
    const children = [actor("g/a"), actor("g/b"), actor("g/c")];
    const roots = [supervisor("g", children, { strategy, intensity: 5 })];
    const tree = await startTree({ roots, ports: world.ports });
    world.takeLog();
    world.child("g/a").exit(failed("g/a"));
    world.child("g/b").exit(failed("g/b"));
    for (let turn = 0; turn < 12; turn++) await settled();
    for (const path of ["g/a", "g/b", "g/c"]) expect(nodeAt(tree, path).state).toBe("running");
    // b went down as a member of a's group: it is started once, by that.
    expect(world.takeLog().filter((line) => line === "start g/b")).toHaveLength(1);
    await tree.stop(0);
  });

  test("the backoff comes between the stops and the starts, and a stop by hand in it is heeded", async () => {
    const world = new World();
    world.random = 0.999;
    const backoff = { initialMs: 1_000, maxMs: 1_000, factor: 1 };
    const roots = [supervisor("g", [actor("g/a"), actor("g/b")], { strategy, backoff, intensity: 5 })];
    const tree = await startTree({ roots, ports: world.ports });
    world.takeLog();
    await world.crash("g/a");
    expect(world.takeLog()).toEqual(["stop g/b 5000"]);
    expect(nodeAt(tree, "g/a").state).toBe("backing-off");
    expect((await tree.stopChild("g/a")).ok).toBe(true);
    await settled();
    expect(world.takeLog()).toEqual(["start g/b"]);
    expect(nodeAt(tree, "g/a")).toMatchObject({ state: "stopped", stoppedBy: "operator" });
    await tree.stop(0);
    expect(world.clock.pending).toBe(0);
  });

  test("stop works in the middle of a restart that hangs", async () => {
    const world = new World();
    const roots = [supervisor("g", [actor("g/a"), actor("g/b")], { strategy, intensity: 5 })];
    const tree = await startTree({ roots, ports: world.ports });
    world.scripts.set("g/b", { start: () => "hang" });
    await world.crash("g/a");
    for (let turn = 0; turn < 6; turn++) await settled();
    expect(nodeAt(tree, "g/b").state).toBe("starting");
    const stopped = tree.stop(10_000);
    await world.clock.advance(2_000);
    expect(await stopped).toEqual({ kind: "shutdown" });
    expect(world.clock.pending).toBe(0);
  });

  test("siblings come back from their last good snapshots, told with whose failure it was", async () => {
    const world = new World();
    world.scripts.set("g/c", { snapshot: { count: 7 } });
    const tree = await threeOf(world, strategy, "permanent");
    await world.crash("g/b");
    await world.clock.advance(0);
    expect(world.starts.filter(({ path }) => path === "g/c").map(({ snapshot }) => snapshot)).toEqual([
      undefined,
      { count: 7 },
    ]);
    const told = world.events.flatMap(({ actor: path, kind }) =>
      kind.case === "actorRestarted" ? [[path, kind.value.cause]] : [],
    );
    expect(told).toContainEqual(["g/b", "crash: Error: boom"]);
    expect(told).toContainEqual(["g/c", "with g/b: crash: Error: boom"]);
    await tree.stop(0);
  });
});

test("rest_for_one leaves what was started before the failed child alone", async () => {
  const world = new World();
  const tree = await threeOf(world, "rest_for_one", "permanent");
  await world.crash("g/b");
  await world.clock.advance(0);
  expect(nodeAt(tree, "g/a")).toMatchObject({ restarts: 0, incarnation: { activation: 1 } });
  await tree.stop(0);
});

test("a nested supervisor is a member like any other, and its children come back with it", async () => {
  const world = new World();
  const inner = supervisor("g/inner", [actor("g/inner/x")]);
  const roots = [supervisor("g", [actor("g/a"), inner], { strategy: "rest_for_one" })];
  const tree = await startTree({ roots, ports: world.ports });
  world.takeLog();
  await world.crash("g/a");
  await world.clock.advance(0);
  expect(world.takeLog()).toEqual(["stop g/inner/x 5000", "start g/a", "start g/inner/x"]);
  await tree.stop(0);
});
