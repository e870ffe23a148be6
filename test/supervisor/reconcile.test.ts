import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChildSpec, SupervisorSpec } from "../../src/manifest/graph.ts";
import type { TreeNode } from "../../src/supervisor/inspect.ts";
import { startTree } from "../../src/supervisor/tree.ts";
import { nodeAt } from "./node-at.ts";
import { actor, settled, supervisor, World } from "./virtual.ts";

const before = supervisor("g", [
  actor("g/a"),
  supervisor("g/inner", [actor("g/inner/b"), actor("g/inner/c")]),
  actor("g/d"),
]);

test("the same specifications again change nothing", async () => {
  const world = new World();
  const tree = await startTree({ roots: [before], ports: world.ports });
  world.takeLog();
  const result = await tree.reconcile([structuredClone(before)]);
  expect(result).toEqual({ ok: true, value: { added: [], restarted: [], removed: [], respecified: [] } });
  expect(world.takeLog()).toEqual([]);
  await tree.stop(0);
});

test("flags change without a child being touched, and hold from then on", async () => {
  const world = new World();
  const tree = await startTree({ roots: [before], ports: world.ports });
  world.takeLog();
  const next = {
    ...before,
    intensity: 7,
    children: before.children.map((child) => ({ ...child, restart: "temporary" as const })),
  };
  expect((await tree.reconcile([next])).ok).toBe(true);
  expect(world.takeLog()).toEqual([]);
  expect(nodeAt(tree, "g")).toMatchObject({ intensity: 7 });
  await world.crash("g/a");
  expect(tree.has("g/a")).toBe(false);
  await tree.stop(0);
});

test("adds first, then restarts what changed, then removes in reverse start order", async () => {
  const world = new World();
  const tree = await startTree({ roots: [before], ports: world.ports });
  world.takeLog();
  const inner = supervisor("g/inner", [actor("g/inner/b", { input: 2 }), actor("g/inner/new")]);
  const next = supervisor("g", [inner, actor("g/new")]);
  const result = await tree.reconcile([next], { restart: new Set(["g/inner/b"]) });
  expect(result).toMatchObject({
    ok: true,
    value: {
      added: ["g/inner/new", "g/new"],
      restarted: ["g/inner/b"],
      removed: ["g/d", "g/a", "g/inner/c"],
    },
  });
  expect(world.takeLog()).toEqual([
    "start g/inner/new",
    "start g/new",
    "stop g/inner/b 5000",
    "start g/inner/b",
    "stop g/d 5000",
    "stop g/a 5000",
    "stop g/inner/c 5000",
  ]);
  await tree.stop(60_000);
  expect(world.takeLog().map((line) => line.split(" ")[1])).toEqual(["g/new", "g/inner/new", "g/inner/b"]);
});

test("a whole graph is added and removed", async () => {
  const world = new World();
  const tree = await startTree({ roots: [before], ports: world.ports });
  const other = supervisor("h", [actor("h/x")]);
  expect((await tree.reconcile([before, other])).ok).toBe(true);
  expect(nodeAt(tree, "h/x")).toMatchObject({ state: "running" });
  world.takeLog();
  expect((await tree.reconcile([other])).ok).toBe(true);
  expect(world.takeLog().map((line) => line.split(" ")[1])).toEqual(["g/d", "g/inner/c", "g/inner/b", "g/a"]);
  expect(tree.has("g")).toBe(false);
  await tree.stop(0);
});

test("a change whose child does not start is taken back: what ran before runs on", async () => {
  const world = new World();
  world.scripts.set("g/bad", { start: () => new Error("no such model") });
  const tree = await startTree({ roots: [before], ports: world.ports });
  const runningBefore = states(tree.inspect().roots);
  const next = supervisor("g", [actor("g/new"), actor("g/bad"), actor("g/a", { input: 1 })]);
  const result = await tree.reconcile([next], { restart: new Set(["g/a"]) });
  expect(result).toMatchObject({
    ok: false,
    error: {
      code: "SUPERVISOR_RECONCILE_FAILED",
      where: "g/bad",
      message: expect.stringContaining("no such model"),
    },
  });
  expect(states(tree.inspect().roots)).toEqual(runningBefore);
  expect(world.starts.filter(({ path }) => path === "g/a")).toHaveLength(1);
  await tree.stop(0);
});

test("what was changed before the failing child goes back too, with the state that it had", async () => {
  const world = new World();
  world.scripts.set("g/a", { snapshot: "kept a" });
  world.scripts.set("g/d", {
    snapshot: "kept d",
    start: (attempt) => (attempt === 2 ? new Error("bad") : "ok"),
  });
  const tree = await startTree({ roots: [before], ports: world.ports });
  const changed = [actor("g/a", { input: 1 }), ...before.children.slice(1, 2), actor("g/d", { input: 1 })];
  const result = await tree.reconcile([{ ...before, children: changed }], {
    restart: new Set(["g/a", "g/d"]),
  });
  expect(result).toMatchObject({ ok: false, error: { where: "g/d", details: { notRestored: [] } } });
  const startsOf = (path: string) =>
    world.starts.filter((start) => start.path === path).map(({ snapshot }) => snapshot);
  expect(startsOf("g/a")).toEqual([undefined, undefined, "kept a"]);
  expect(startsOf("g/d")).toEqual([undefined, undefined, "kept d"]);
  expect(states(tree.inspect().roots).filter((line) => !line.endsWith(" running"))).toEqual([]);
  await tree.stop(0);
});

test("another input or behaviour starts fresh, other changes from the snapshot", async () => {
  const world = new World();
  world.scripts.set("g/a", { snapshot: "old" });
  const tree = await startTree({ roots: [before], ports: world.ports });
  const withA = (change: object): SupervisorSpec => ({
    ...before,
    children: [actor("g/a", change), ...before.children.slice(1)],
  });
  const restart = new Set(["g/a"]);
  await tree.reconcile([withA({ mailbox: { bound: 7, whenFull: "refuse" } })], { restart });
  await tree.reconcile([withA({ input: "other" })], { restart });
  expect(world.starts.filter(({ path }) => path === "g/a").map(({ snapshot }) => snapshot)).toEqual([
    undefined,
    "old",
    undefined,
  ]);
  await tree.stop(0);
});

test("a graph that gave up is started by a change to it, and by nothing else", async () => {
  const world = new World();
  const fragile = supervisor("g", [actor("g/x")], { intensity: 0 });
  const tree = await startTree({ roots: [fragile], ports: world.ports });
  await world.crash("g/x");
  await settled();
  expect(nodeAt(tree, "g").state).toBe("gaveUp");
  await tree.reconcile([structuredClone(fragile)]);
  expect(nodeAt(tree, "g").state).toBe("gaveUp");
  const mended = supervisor("g", [actor("g/x", { input: "mended" })], { intensity: 0 });
  expect((await tree.reconcile([mended], { restart: new Set(["g/x"]) })).ok).toBe(true);
  expect(nodeAt(tree, "g/x").state).toBe("running");
  await tree.stop(0);
});

test("what was stopped by hand is not started by a change to it", async () => {
  const world = new World();
  const tree = await startTree({ roots: [before], ports: world.ports });
  await tree.stopChild("g/a");
  const next = { ...before, children: [actor("g/a", { input: 1 }), ...before.children.slice(1)] };
  expect((await tree.reconcile([next], { restart: new Set(["g/a"]) })).ok).toBe(true);
  expect(nodeAt(tree, "g/a")).toMatchObject({ state: "stopped", stoppedBy: "operator" });
  await tree.stop(0);
});

test.each<[string, ChildSpec[], string]>([
  [
    "simple_one_for_one without a template",
    [supervisor("g", [], { strategy: "simple_one_for_one" })],
    "SUPERVISOR_SPEC_INVALID",
  ],
  ["two children at one path", [supervisor("g", [actor("g/a"), actor("g/a")])], "SUPERVISOR_SPEC_INVALID"],
  ["a child outside its supervisor", [supervisor("g", [actor("h/a")])], "SUPERVISOR_SPEC_INVALID"],
  ["an intensity below 0", [supervisor("g", [], { intensity: -1 })], "SUPERVISOR_SPEC_INVALID"],
  ["a period of 0", [supervisor("g", [], { periodMs: 0 })], "SUPERVISOR_SPEC_INVALID"],
  ["a period that is no number", [supervisor("g", [], { periodMs: Number.NaN })], "SUPERVISOR_SPEC_INVALID"],
  [
    "a shrinking backoff of a child",
    [supervisor("g", [actor("g/x", { backoff: { initialMs: 2, maxMs: 1, factor: 1 } })])],
    "SUPERVISOR_SPEC_INVALID",
  ],
  [
    "a shrinking backoff",
    [supervisor("g", [], { backoff: { initialMs: 1, maxMs: 1, factor: 0.5 } })],
    "SUPERVISOR_SPEC_INVALID",
  ],
])("%s is refused, and nothing changes", async (_, next, code) => {
  const world = new World();
  const tree = await startTree({ roots: [before], ports: world.ports });
  world.takeLog();
  expect(await tree.reconcile(next)).toMatchObject({ ok: false, error: { code } });
  expect(world.takeLog()).toEqual([]);
  await expect(startTree({ roots: next, ports: world.ports })).rejects.toMatchObject({ code });
  await tree.stop(0);
});

test("from any graph to any other, what runs is what is asked for, and what stayed the same was not restarted", async () => {
  const leaf = fc.constantFrom("a", "b", "c", "d");
  const graph = fc
    .record({
      direct: fc.uniqueArray(leaf),
      inner: fc.option(fc.uniqueArray(leaf)),
      other: fc.option(fc.uniqueArray(leaf)),
    })
    .map(({ direct, inner, other }) => {
      const below = (path: string, names: readonly string[]) =>
        supervisor(
          path,
          names.map((name) => actor(`${path}/${name}`)),
        );
      const children: ChildSpec[] = direct.map((name) => actor(`g/${name}`));
      if (inner !== null) children.push(below("g/inner", inner));
      const roots: ChildSpec[] = [supervisor("g", children)];
      if (other !== null) roots.unshift(below("h", other));
      return roots;
    });
  await fc.assert(
    fc.asyncProperty(graph, fc.array(graph, { minLength: 1, maxLength: 4 }), async (first, changes) => {
      const world = new World();
      const tree = await startTree({ roots: first, ports: world.ports });
      let last = first;
      for (const next of changes) {
        const startsBefore = world.starts.length;
        expect((await tree.reconcile(next)).ok).toBe(true);
        expect(pathsOf(tree.inspect().roots)).toEqual(pathsOf(next));
        const kept = new Set(pathsOf(last));
        const started = world.starts.slice(startsBefore).map(({ path }) => path);
        expect(started.filter((path) => kept.has(path))).toEqual([]);
        last = next;
      }
      await tree.stop(60_000);
      expect([...world.children.values()].every(({ alive }) => !alive)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

type Shape = { readonly path: string; readonly kind: string; readonly children?: readonly Shape[] };

function pathsOf(nodes: readonly Shape[]): string[] {
  return nodes.flatMap((node) => [node.path, ...pathsOf(node.children ?? [])]);
}

function states(nodes: readonly TreeNode[]): string[] {
  return nodes.flatMap((node) => [
    `${node.path} ${node.state}`,
    ...(node.kind === "supervisor" ? states(node.children) : []),
  ]);
}
