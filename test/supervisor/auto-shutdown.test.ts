// Significant children and auto_shutdown, as in EEP 56; and children that decline to start.
import { describe, expect, test } from "vitest";
import type { ExitReason } from "../../src/actors/child.ts";
import type { AutoShutdown, ChildSpec, RestartType } from "../../src/manifest/graph.ts";
import { startTree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, failed, settled, supervisor, World } from "./virtual.ts";

async function running(world: World, autoShutdown: AutoShutdown, restart: RestartType = "transient") {
  const significant = autoShutdown !== "never";
  const children = [
    actor("g/s/x", { restart: "transient", significant }),
    actor("g/s/y", { restart: "transient", significant }),
    actor("g/s/z"),
  ];
  const s = supervisor("g/s", children, { restart, autoShutdown, intensity: 5 });
  const roots = [supervisor("g", [s], { intensity: 5 })];
  const tree = await startTree({ roots, ports: world.ports });
  const end = async (path: string, reason: ExitReason = { kind: "normal" }) => {
    world.child(path).exit(reason);
    for (let turn = 0; turn < 6; turn++) await settled();
  };
  return { tree, end };
}

test.each<[AutoShutdown, readonly string[], string]>([
  ["never", ["g/s/x", "g/s/y"], "running"],
  ["any_significant", ["g/s/x"], "finished"],
  ["all_significant", ["g/s/x"], "running"],
  ["all_significant", ["g/s/x", "g/s/y"], "finished"],
])("under %s, once %j have ended by themselves the supervisor is %s", async (autoShutdown, ends, state) => {
  const world = new World();
  const { tree, end } = await running(world, autoShutdown);
  world.takeLog();
  for (const path of ends) await end(path);
  expect(nodeAt(tree, "g/s").state).toBe(state);
  if (state === "finished") expect(world.takeLog()).toContain("stop g/s/z 5000");
  await tree.stop(0);
});

test("the supervisor ends with `shutdown`: a permanent one is restarted for it, whole", async () => {
  const world = new World();
  const { tree, end } = await running(world, "any_significant", "permanent");
  await end("g/s/x");
  expect(nodeAt(tree, "g/s")).toMatchObject({ state: "running", restarts: 1 });
  expect(nodeAt(tree, "g/s/x").state).toBe("running");
  await tree.stop(0);
});

test("a significant child that is restarted, or stopped by hand, ends nobody", async () => {
  const world = new World();
  const { tree, end } = await running(world, "any_significant");
  await end("g/s/x", failed("g/s/x"));
  expect(nodeAt(tree, "g/s/x")).toMatchObject({ state: "running", restarts: 1 });
  await tree.stopChild("g/s/y");
  expect(nodeAt(tree, "g/s").state).toBe("running");
  await tree.stop(0);
});

test("a temporary significant child ends its supervisor however it ends", async () => {
  const world = new World();
  const child = actor("g/s/x", { restart: "temporary", significant: true });
  const s = supervisor("g/s", [child], { restart: "transient", autoShutdown: "any_significant" });
  const tree = await startTree({ roots: [supervisor("g", [s])], ports: world.ports });
  await world.crash("g/s/x");
  await settled();
  expect(nodeAt(tree, "g/s").state).toBe("finished");
  await tree.stop(0);
});

test.each<[string, ChildSpec]>([
  ["a permanent significant child", actor("g/x", { significant: true })],
  ["a permanent significant supervisor", supervisor("g/x", [], { significant: true })],
])("%s is refused", async (_, child) => {
  const roots = [supervisor("g", [child], { autoShutdown: "any_significant" })];
  const start = startTree({ roots, ports: new World().ports });
  await expect(start).rejects.toMatchObject({ code: "SUPERVISOR_SPEC_INVALID", where: "g/x" });
});

test("a significant child below a supervisor that never ends for one is refused", async () => {
  const roots = [supervisor("g", [actor("g/x", { restart: "transient", significant: true })])];
  const start = startTree({ roots, ports: new World().ports });
  await expect(start).rejects.toMatchObject({ code: "SUPERVISOR_SPEC_INVALID", where: "g/x" });
});

describe("a child that declines to start", () => {
  test.each<[RestartType, boolean]>([
    ["permanent", true],
    ["transient", true],
    ["temporary", false],
  ])("is no failure; a %s one keeps its specification: %s", async (restart, isKept) => {
    const world = new World();
    world.scripts.set("g/b", { start: () => "ignore" });
    const children = [actor("g/a"), actor("g/b", { restart }), actor("g/c")];
    const tree = await startTree({ roots: [supervisor("g", children)], ports: world.ports });
    expect(world.takeLog()).toEqual(["start g/a", "start g/c"]);
    expect(tree.has("g/b")).toBe(isKept);
    if (isKept) {
      expect(nodeAt(tree, "g/b").state).toBe("ignored");
      world.scripts.delete("g/b");
      expect((await tree.startChild("g/b")).ok).toBe(true);
      expect(nodeAt(tree, "g/b").state).toBe("running");
    }
    await tree.stop(0);
  });

  test("at a restart it stays down, and the restart is over", async () => {
    const world = new World();
    world.scripts.set("g/b", { start: (attempt) => (attempt === 1 ? "ok" : "ignore") });
    const children = [actor("g/a"), actor("g/b"), actor("g/c")];
    const roots = [supervisor("g", children, { strategy: "one_for_all" })];
    const tree = await startTree({ roots, ports: world.ports });
    await world.crash("g/a");
    await world.clock.advance(0);
    expect(nodeAt(tree, "g/b").state).toBe("ignored");
    expect(nodeAt(tree, "g/c").state).toBe("running");
    await tree.stop(0);
  });
});
