import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../src/manifest/graph.ts";
import { decodeGraph, decodePlacedGraph, graphSchema } from "../../src/manifest/graph-schema.ts";
import { actor, anyPlacedGraph, codeHash, placedOf, supervisor } from "./graphs.ts";

const good = placedOf(supervisor("g", [actor("g/a"), supervisor("g/s", [actor("g/s/b")])]));
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("a graph that was written as JSON is read back the same", () => {
  fc.assert(
    fc.property(anyPlacedGraph, (graph) => {
      const decoded = decodePlacedGraph(json(graph));
      expect(decoded.ok ? decoded.value : decoded.error).toEqual(json(graph));
    }),
  );
});

const deep = (depth: number): Json => (depth === 0 ? null : [deep(depth - 1)]);
const root = (children: Parameters<typeof supervisor>[1], path = "g") => ({
  roots: [supervisor(path, children)],
  clients: [],
});

describe("a graph is refused with MANIFEST_GRAPH_INVALID when", () => {
  test.each<[string, unknown, string]>([
    ["it is no map", [], "expected object"],
    ["it has a field that this version does not know", { ...root([]), future: 1 }, "future"],
    [
      "an actor has a field that this version does not know",
      root([{ ...actor("g/a"), gpu: 1 } as never]),
      "gpu",
    ],
    ["a child's path is not below its parent", root([actor("h/a")]), "not one below g"],
    ["a child's path skips a name", root([actor("g/x/a")]), "not one below g"],
    ["a path stands twice", root([actor("g/a"), actor("g/a")]), "stands twice"],
    ["a path has a dot", root([actor("g/a.b")]), "path"],
    ["a path has too many names", root([actor(`g/${"a/".repeat(8)}a`)]), "path"],
    ["a graph takes the cell's own name", root([], "kernel"), "reserved"],
    [
      "two graphs have one name",
      { roots: [supervisor("g", []), supervisor("g", [])], clients: [] },
      "stands twice",
    ],
    ["a client is of no graph", { roots: [], clients: [{ graph: "g", name: "alice", grants: [] }] }, "alice"],
    ["a mailbox has no room", root([actor("g/a", { mailbox: { bound: 0, whenFull: "refuse" } })]), "bound"],
    ["a time is longer than a timer runs", root([actor("g/a", { shutdownMs: 1e12 })]), "shutdownMs"],
    [
      "a grant's pattern is none",
      root([actor("g/a", { grants: [{ intents: ["a b"], targets: ["x"] }] })]),
      "grants",
    ],
    ["an input is nested too deeply", root([actor("g/a", { input: deep(200) })]), "levels deep"],
  ])("%s", (_name, graph, told) => {
    const decoded = decodeGraph(json(graph));
    expect(decoded.ok).toBe(false);
    if (!decoded.ok) {
      expect(decoded.error.code).toBe("MANIFEST_GRAPH_INVALID");
      expect(decoded.error.message).toContain(told);
    }
  });

  test.each<[string, unknown]>([
    ["an actor is not placed", { ...good, placed: {} }],
    [
      "something is placed that is no actor",
      { ...good, placed: { ...good.placed, "g/s": good.placed["g/a"] } },
    ],
    [
      "a shard does not exist",
      { ...good, placed: { ...good.placed, "g/a": { shard: 256, node: "a", codeHash: codeHash(0) } } },
    ],
    [
      "a hash is none",
      { ...good, placed: { ...good.placed, "g/a": { shard: 0, node: "a", codeHash: "abc" } } },
    ],
  ])("%s", (_name, graph) => {
    const decoded = decodePlacedGraph(json(graph));
    expect(decoded.ok ? undefined : decoded.error.code).toBe("MANIFEST_GRAPH_INVALID");
  });
});

test("children or inputs of any depth are refused, not a reason to overflow the stack", () => {
  let children: unknown = [];
  for (let depth = 0; depth < 100_000; depth += 1) children = [{ kind: "supervisor", children }];
  expect(graphSchema.safeParse({ roots: children, clients: [] }).success).toBe(false);
});

test("arbitrary JSON is a graph or a coded error", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const decoded = decodeGraph(value);
      if (!decoded.ok) expect(decoded.error.code).toBe("MANIFEST_GRAPH_INVALID");
    }),
  );
});
