import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ActorSpec, ChildSpec, PlacedGraph } from "../../src/manifest/graph.ts";
import { specsOf } from "../../src/manifest/graph-walk.ts";
import { type Change, planGraph } from "../../src/manifest/plan.ts";
import { actor, anyPlacedGraph, codeHash, placedAt, placedOf, supervisor } from "./graphs.ts";

const linesOf = (changes: readonly Change[]): string[] =>
  changes.map(({ kind, path, restarts }) => `${kind} ${path}${restarts ? " restarts" : ""}`);

const before = placedOf(supervisor("g", [actor("g/a"), supervisor("g/s", [actor("g/s/b")]), actor("g/c")]));

const withActor = (fields: Partial<ActorSpec>): PlacedGraph =>
  placedOf(supervisor("g", [actor("g/a", fields), supervisor("g/s", [actor("g/s/b")]), actor("g/c")]));

describe("a change of an actor", () => {
  test.each<[string, Partial<ActorSpec>]>([
    ["mailbox.bound", { mailbox: { bound: 5, whenFull: "refuse" } }],
    ["mailbox.whenFull", { mailbox: { bound: 1000, whenFull: "drop_oldest" } }],
    ["grants", { grants: [{ intents: ["x"], targets: ["g/c"] }] }],
    ["restart", { restart: "temporary" }],
    ["progressMs", { progressMs: 90_000 }],
    ["poisonDeaths", { poisonDeaths: 3 }],
    ["sync", { sync: "always" }],
    ["passivateAfterMs", { passivateAfterMs: 30_000 }],
    ["onCorruption", { onCorruption: "park" }],
    ["shutdownMs", { shutdownMs: 1 }],
    ["intents", { intents: { x: {} } }],
  ])("%s does not restart it", (field, fields) => {
    const [change, ...others] = planGraph(before, withActor(fields)).changes;
    expect(others).toEqual([]);
    expect(change).toMatchObject({ path: "g/a", kind: "changed", restarts: false, reason: "" });
    expect(change?.fields.map((each) => each.field)).toEqual([field]);
  });

  test.each<[string, Partial<ActorSpec>, string]>([
    [
      "behaviour",
      { behaviour: { module: "/graph/desk.ts", export: "other" } },
      "its behaviour is another one",
    ],
    ["input", { input: { limit: 1 } }, "its input has changed"],
    ["isolation", { isolation: "worker" }, "its isolation has changed"],
    ["durable", { durable: true }, "its durability has changed"],
  ])("%s restarts it and says why", (field, fields, reason) => {
    const plan = planGraph(before, withActor(fields));
    expect(plan.changes).toHaveLength(1);
    expect(plan.changes[0]).toMatchObject({ path: "g/a", kind: "changed", restarts: true, reason });
    expect(plan.changes[0]?.fields.map((each) => each.field)).toEqual([field]);
    expect(plan.restarts).toEqual(new Set(["g/a"]));
  });
});

test("changed code restarts the actor, and is shown by the beginnings of its hashes", () => {
  const plan = planGraph(before, placedAt(before, { "g/a": 1 }));
  expect(plan.changes).toEqual([
    {
      path: "g/a",
      kind: "changed",
      restarts: true,
      reason: "its code has changed",
      fields: [{ field: "code", old: "000000000000", new: codeHash(1).slice(0, 12) }],
    },
  ]);
});

test("codes that differ in their last digit only are told apart", () => {
  expect(linesOf(planGraph(before, placedAt(before, { "g/c": 15 })).changes)).toEqual([
    "changed g/c restarts",
  ]);
});

test("an actor that moves to another node starts there anew", () => {
  const [change] = planGraph(before, withActor({ placement: { node: "b" } })).changes;
  expect(change).toMatchObject({ kind: "moved", restarts: true, reason: "it moves to another node" });
});

test("an actor that is pinned to where it is does not restart", () => {
  const plan = planGraph(before, withActor({ placement: { node: "a" } }));
  expect(linesOf(plan.changes)).toEqual(["changed g/a"]);
  expect(plan.changes[0]?.fields).toEqual([{ field: "placement.node", old: undefined, new: "a" }]);
});

test("an actor that gets another shard of its node starts anew, since its term is the shard's", () => {
  const place = before.placed["g/a"];
  if (place === undefined) throw new Error("g/a is placed");
  const next = { ...before, placed: { ...before.placed, "g/a": { ...place, shard: 9 } } };
  expect(linesOf(planGraph(before, next).changes)).toEqual(["changed g/a restarts"]);
});

test("a supervisor's flags change without restarting it or its children", () => {
  const next = placedOf(
    supervisor("g", [
      actor("g/a"),
      supervisor("g/s", [actor("g/s/b")], { intensity: 9, periodMs: 1 }),
      actor("g/c"),
    ]),
  );
  const plan = planGraph(before, next);
  expect(linesOf(plan.changes)).toEqual(["changed g/s"]);
  expect(plan.changes[0]?.fields).toEqual([
    { field: "intensity", old: 1, new: 9 },
    { field: "periodMs", old: 5000, new: 1 },
  ]);
});

test("another order of children restarts nothing", () => {
  const next = placedOf(supervisor("g", [actor("g/c"), actor("g/a"), supervisor("g/s", [actor("g/s/b")])]));
  const plan = planGraph(before, next);
  expect(linesOf(plan.changes)).toEqual(["changed g"]);
  expect(plan.changes[0]?.fields).toEqual([
    { field: "start order", old: ["g/a", "g/s", "g/c"], new: ["g/c", "g/a", "g/s"] },
  ]);
});

test("removals come first and in reverse start order, additions in start order", () => {
  const next = placedOf(supervisor("n", [actor("n/a"), supervisor("n/s", [actor("n/s/b")])]));
  expect(linesOf(planGraph(before, next).changes)).toEqual([
    "removed g/c",
    "removed g/s/b",
    "removed g/s",
    "removed g/a",
    "removed g",
    "added n",
    "added n/a",
    "added n/s",
    "added n/s/b",
  ]);
});

test("an actor whose place a supervisor takes is removed, then the supervisor is added", () => {
  const next = placedOf(
    supervisor("g", [supervisor("g/a", [actor("g/a/x")]), supervisor("g/s", [actor("g/s/b")]), actor("g/c")]),
  );
  expect(linesOf(planGraph(before, next).changes)).toEqual(["removed g/a", "added g/a", "added g/a/x"]);
});

test("a cell that runs nothing gets everything", () => {
  expect(linesOf(planGraph(undefined, before).changes)).toEqual(
    [...specsOf(before)].map(({ path }) => `added ${path}`),
  );
});

test("grants of clients change without a restart", () => {
  const granted = [{ intents: ["x"], targets: ["g/a"] }];
  const next = { ...before, clients: [{ graph: "g", name: "alice", grants: granted }] };
  const changed = { ...before, clients: [{ graph: "g", name: "alice", grants: [...granted, ...granted] }] };
  expect(linesOf(planGraph(before, next).changes)).toEqual(["added g (client alice)"]);
  expect(linesOf(planGraph(next, changed).changes)).toEqual(["changed g (client alice)"]);
  expect(linesOf(planGraph(next, before).changes)).toEqual(["removed g (client alice)"]);
});

test("the order of an input's keys is no change", () => {
  const a = withActor({ input: { x: 1, y: { z: 1, w: 2 } } });
  const b = withActor({ input: { y: { w: 2, z: 1 }, x: 1 } });
  expect(planGraph(a, b).changes).toEqual([]);
});

test("a graph against itself changes nothing", () => {
  fc.assert(
    fc.property(anyPlacedGraph, (graph) => {
      expect(planGraph(graph, structuredClone(graph)).changes).toEqual([]);
    }),
  );
});

test("what a plan names is all that differs: doing it leads from one graph to the other", () => {
  fc.assert(
    fc.property(anyPlacedGraph, anyPlacedGraph, (from, to) => {
      expect(applied(from, to, planGraph(from, to).changes)).toEqual(flat(to));
    }),
  );
});

test("only changed and moved actors restart, each with a reason", () => {
  fc.assert(
    fc.property(anyPlacedGraph, anyPlacedGraph, (from, to) => {
      const { changes, restarts } = planGraph(from, to);
      for (const { kind, restarts: restarted, reason } of changes) {
        if (restarted) expect(["changed", "moved"]).toContain(kind);
        expect(reason !== "").toBe(restarted);
      }
      expect(restarts).toEqual(new Set(changes.filter((each) => each.restarts).map(({ path }) => path)));
    }),
  );
});

/** Every spec by its path, with the order of its children for a supervisor; clients too. */
function flat(graph: PlacedGraph): Record<string, unknown> {
  const specs = [...specsOf(graph)].map((spec): [string, unknown] => [spec.path, flatSpec(spec, graph)]);
  const clients = graph.clients.map((client): [string, unknown] => [
    `${client.graph} (client ${client.name})`,
    client,
  ]);
  return Object.fromEntries([...specs, ...clients]);
}

function flatSpec(spec: ChildSpec, graph: PlacedGraph): Record<string, unknown> {
  if (spec.kind === "actor") return { ...spec, placed: graph.placed[spec.path] };
  return { ...spec, children: spec.children.map(({ path }) => path).sort() };
}

/** Does what the changes name, and takes nothing of `to` beside that. */
function applied(from: PlacedGraph, to: PlacedGraph, changes: readonly Change[]): Record<string, unknown> {
  const result = flat(from);
  const wanted = flat(to);
  const touched = new Set<string>();
  for (const { path, kind, fields } of changes) {
    if (kind === "removed") delete result[path];
    else if (kind === "added") result[path] = wanted[path];
    else {
      const spec: Record<string, unknown> = { ...Object(result[path]) };
      for (const { field } of fields) {
        const key =
          { code: "placed", node: "placed", shard: "placed" }[field] ?? field.split(".")[0] ?? field;
        if (key in spec) spec[key] = Reflect.get(Object(wanted[path]), key);
      }
      result[path] = spec;
    }
    touched.add(path.split("/").slice(0, -1).join("/"));
  }
  // A supervisor's list of children follows from the children that came and went.
  for (const path of touched) {
    const spec = result[path];
    if (spec === undefined || Reflect.get(Object(spec), "kind") !== "supervisor") continue;
    const children = Object.keys(result).filter(
      (each) => each.startsWith(`${path}/`) && !each.slice(path.length + 1).includes("/"),
    );
    result[path] = { ...Object(spec), children: children.sort() };
  }
  return result;
}
