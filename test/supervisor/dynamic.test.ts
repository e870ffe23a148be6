// simple_one_for_one: children started at run time from a template, by the thousand.
import { expect, test } from "vitest";
import type { ActorSpec } from "../../src/manifest/graph.ts";
import { decide } from "../../src/supervisor/decide.ts";
import {
  initialState,
  type SupervisorEvent,
  type SupervisorState,
} from "../../src/supervisor/supervisor-state.ts";
import { startTree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, failed, settled, supervisor, World } from "./virtual.ts";

const desks = (template: Partial<ActorSpec> = {}, flags: { intensity?: number } = {}) =>
  supervisor("g/desks", [], {
    strategy: "simple_one_for_one",
    intensity: 5,
    template: actor("g/desks", { input: { limit: 1 }, ...template }),
    ...flags,
  });

async function started(world: World, template: Partial<ActorSpec> = {}, flags: { intensity?: number } = {}) {
  const roots = [
    supervisor("g", [actor("g/a"), desks(template, flags)], { strategy: "one_for_all", intensity: 5 }),
  ];
  return await startTree({ roots, ports: world.ports });
}

test("children are started by name with an input of their own, or the template's", async () => {
  const world = new World();
  const tree = await started(world);
  const inputs: unknown[] = [];
  const { startChild } = world.ports;
  world.ports.startChild = (spec, ...rest) => {
    inputs.push([spec.path, spec.input]);
    return startChild(spec, ...rest);
  };
  expect((await tree.spawnChild("g/desks", "one", { limit: 2 })).ok).toBe(true);
  expect((await tree.spawnChild("g/desks", "two")).ok).toBe(true);
  expect(inputs).toEqual([
    ["g/desks/one", { limit: 2 }],
    ["g/desks/two", { limit: 1 }],
  ]);
  expect(tree.childrenOf("g/desks")).toMatchObject({
    ok: true,
    value: { dynamic: true, count: { specs: 2, active: 2, supervisors: 0, workers: 2 } },
  });
  await tree.stop(0);
});

test.each([
  ["a name that is taken", "g/desks", "one", "SUPERVISOR_ALREADY_RUNNING"],
  ["a name that makes no path", "g/desks", "One/two", "SUPERVISOR_SPEC_INVALID"],
  ["a supervisor without a template", "g", "one", "SUPERVISOR_NOT_DYNAMIC"],
  ["an actor", "g/a", "one", "SUPERVISOR_NOT_FOUND"],
  ["nothing", "g/none", "one", "SUPERVISOR_NOT_FOUND"],
])("%s starts no child", async (_, path, name, code) => {
  const world = new World();
  const tree = await started(world);
  await tree.spawnChild("g/desks", "one");
  expect(await tree.spawnChild(path, name)).toMatchObject({ ok: false, error: { code } });
  await tree.stop(0);
});

test("a child that does not start leaves nothing behind", async () => {
  const world = new World();
  const tree = await started(world);
  world.scripts.set("g/desks/one", { start: () => new Error("no room") });
  const result = await tree.spawnChild("g/desks", "one");
  expect(result).toMatchObject({ ok: false, error: { code: "SUPERVISOR_START_FAILED" } });
  expect(tree.has("g/desks/one")).toBe(false);
  await tree.stop(0);
});

test("one that declines to start leaves nothing behind either, and is no failure", async () => {
  const world = new World();
  const tree = await started(world);
  world.scripts.set("g/desks/one", { start: () => "ignore" });
  expect((await tree.spawnChild("g/desks", "one")).ok).toBe(true);
  expect(tree.has("g/desks/one")).toBe(false);
  await tree.stop(0);
});

test.each([
  ["permanent", "normal", true],
  ["permanent", "failed", true],
  ["transient", "normal", false],
  ["transient", "failed", true],
  ["temporary", "failed", false],
] as const)("a %s one that exits with %s: is there afterwards: %s", async (restart, exit, isBack) => {
  const world = new World();
  const tree = await started(world, { restart });
  await tree.spawnChild("g/desks", "one", { limit: 9 });
  world.takeLog();
  world.child("g/desks/one").exit(exit === "failed" ? failed("g/desks/one") : { kind: "normal" });
  await settled();
  expect(world.takeLog()).toEqual(isBack ? ["start g/desks/one"] : []);
  expect(tree.has("g/desks/one")).toBe(isBack);
  await tree.stop(0);
});

test("stopped by hand it is gone, and the name is free again; its incarnations rise on", async () => {
  const world = new World();
  const tree = await started(world);
  await tree.spawnChild("g/desks", "one");
  expect((await tree.stopChild("g/desks/one")).ok).toBe(true);
  expect(tree.has("g/desks/one")).toBe(false);
  expect((await tree.spawnChild("g/desks", "one")).ok).toBe(true);
  expect(nodeAt(tree, "g/desks/one")).toMatchObject({ incarnation: { activation: 2 } });
  await tree.stop(0);
});

test.each(["stopped by hand", "declined to start again"])(
  "restarts of a child that is gone stay counted: %s",
  async (how) => {
    const world = new World();
    const tree = await started(world, {}, { intensity: 2 });
    for (const name of ["one", "two", "three"]) await tree.spawnChild("g/desks", name);
    await world.crash("g/desks/one");
    if (how === "stopped by hand") await tree.stopChild("g/desks/one");
    else {
      world.scripts.set("g/desks/one", { start: () => "ignore" });
      await world.crash("g/desks/one");
    }
    expect(tree.has("g/desks/one")).toBe(false);
    if (how === "stopped by hand") await world.crash("g/desks/two");
    expect(nodeAt(tree, "g/desks").state).toBe("running");
    expect(world.kinds("g/desks")).not.toContain("actorGaveUp");
    await world.crash("g/desks/three");
    expect(world.kinds("g/desks")).toContain("actorGaveUp");
    await tree.stop(0);
  },
);

test("a group restart of the parent brings the supervisor back, empty", async () => {
  const world = new World();
  const tree = await started(world);
  await tree.spawnChild("g/desks", "one");
  await world.crash("g/a");
  await world.clock.advance(0);
  expect(nodeAt(tree, "g/desks").state).toBe("running");
  expect(tree.has("g/desks/one")).toBe(false);
  await tree.stop(0);
});

test("they are stopped in parallel: the slow ones take the time of one", async () => {
  const world = new World();
  const tree = await started(world, { shutdownMs: 1_000 });
  for (let each = 0; each < 20; each++) {
    world.scripts.set(`g/desks/n${each}`, { stop: "ignores-stop" });
    await tree.spawnChild("g/desks", `n${each}`);
  }
  const stopped = tree.stopChild("g/desks");
  await world.clock.advance(1_300);
  expect((await stopped).ok).toBe(true);
  await tree.stop(0);
});

test("the template may change at run time: what runs goes on, what starts is made from the new one", async () => {
  const world = new World();
  const tree = await started(world);
  await tree.spawnChild("g/desks", "one", { limit: 3 });
  world.takeLog();
  const next = [
    supervisor("g", [actor("g/a"), desks({ restart: "temporary" })], {
      strategy: "one_for_all",
      intensity: 5,
    }),
  ];
  expect((await tree.reconcile(next)).ok).toBe(true);
  expect(world.takeLog()).toEqual([]);
  await world.crash("g/desks/one");
  expect(tree.has("g/desks/one")).toBe(false);
  await tree.stop(0);
});

/** Copies and effects of starting `count` children, one ending, and stopping all, in decisions alone. */
function cost(count: number): { readonly effects: number; readonly ms: number } {
  let state: SupervisorState = initialState(desks({}, { intensity: 1_000 }));
  const at = { unixMs: 0, monotonicMs: 0, random: 0 };
  const queue: SupervisorEvent[] = [{ type: "supervisor.start" }];
  let effects = 0;
  const before = process.threadCpuUsage();
  const feed = (): void => {
    for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
      const decision = decide(state, event, at);
      state = decision.state;
      effects += decision.effects.length;
      for (const effect of decision.effects) {
        const incarnation = { term: 1, activation: 1 };
        if (effect.type === "startChild")
          queue.push({ type: "child.started", path: effect.spec.path, run: effect.run, incarnation });
        if (effect.type === "stopChild") {
          const { path, run } = effect;
          queue.push({ type: "child.exited", path, run, reason: { kind: "shutdown" } });
        }
      }
    }
  };
  feed();
  for (let op = 1; op <= count; op++) {
    queue.push({ type: "admin.spawn", name: `n${op}`, input: null, op });
    feed();
  }
  for (let op = 1; op <= count / 2; op++) {
    queue.push({ type: "admin.stop", path: `g/desks/n${op}`, op: count + op });
    feed();
  }
  queue.push({ type: "supervisor.stop", graceMs: Number.POSITIVE_INFINITY, reason: { kind: "shutdown" } });
  feed();
  expect(state.phase).toBe("stopped");
  const { user, system } = process.threadCpuUsage(before);
  return { effects, ms: (user + system) / 1_000 };
}

test("starting and stopping 10 times as many children takes less than 50 times as long", () => {
  cost(1_000);
  const small = cost(1_000);
  const large = cost(10_000);
  expect(large.effects / small.effects).toBeCloseTo(10, 1);
  expect(large.ms / small.ms).toBeLessThan(50);
});
