import fc from "fast-check";
import { expect, test } from "vitest";
import type { Graph, PlacedGraph } from "../../src/manifest/graph.ts";
import { actorsOf } from "../../src/manifest/graph-walk.ts";
import { type PlacementInput, placeGraph } from "../../src/manifest/placement.ts";
import { planGraph } from "../../src/manifest/plan.ts";
import { actor, anyGraph, codeHash, supervisor } from "./graphs.ts";

const nodes = [
  { name: "a", shards: [{ first: 0, last: 127 }] },
  { name: "b", shards: [{ first: 128, last: 255 }] },
];

const inputOf = (graph: Graph, fields: Partial<PlacementInput> = {}): PlacementInput => ({
  codeHashes: Object.fromEntries([...actorsOf(graph)].map(({ path }) => [path, codeHash(1)])),
  nodes,
  firstNode: "a",
  ...fields,
});

function place(graph: Graph, fields: Partial<PlacementInput> = {}): PlacedGraph {
  const placed = placeGraph(graph, inputOf(graph, fields));
  if (!placed.ok) throw placed.error;
  return placed.value;
}

const graphOf = (...children: Parameters<typeof supervisor>[1]): Graph => ({
  roots: [supervisor("g", children)],
  clients: [],
});

test("actors spread over the shards of the first node, and a pin puts one on another node", () => {
  const { placed } = place(graphOf(actor("g/a"), actor("g/b"), actor("g/c", { placement: { node: "b" } })));
  expect(placed).toEqual({
    "g/a": { shard: 0, node: "a", codeHash: codeHash(1) },
    "g/b": { shard: 1, node: "a", codeHash: codeHash(1) },
    "g/c": { shard: 128, node: "b", codeHash: codeHash(1) },
  });
});

test("a node without room left takes more actors a shard, evenly", () => {
  const children = Array.from({ length: 10 }, (_, index) => actor(`g/a${index}`));
  const { placed } = place(graphOf(...children), { nodes: [{ name: "a", shards: [{ first: 3, last: 6 }] }] });
  const loads = [3, 4, 5, 6].map(
    (shard) => Object.values(placed).filter((each) => each.shard === shard).length,
  );
  expect(loads.sort()).toEqual([2, 2, 3, 3]);
});

test("what is placed stays, and new actors go where there is room", () => {
  const previous = place(graphOf(actor("g/a"), actor("g/b")));
  const { placed } = place(graphOf(actor("g/new"), actor("g/b"), actor("g/a")), { previous });
  expect(placed["g/a"]).toEqual(previous.placed["g/a"]);
  expect(placed["g/b"]).toEqual(previous.placed["g/b"]);
  expect(placed["g/new"]?.shard).toBe(2);
});

test("an actor whose pin is taken away stays where it is", () => {
  const previous = place(graphOf(actor("g/a", { placement: { node: "b" } })));
  expect(place(graphOf(actor("g/a")), { previous }).placed["g/a"]?.node).toBe("b");
});

test("an actor that is pinned elsewhere moves", () => {
  const previous = place(graphOf(actor("g/a")));
  const { placed } = place(graphOf(actor("g/a", { placement: { node: "b" } })), { previous });
  expect(placed["g/a"]).toMatchObject({ node: "b", shard: 128 });
});

test("an actor follows its shard to the node that owns it now", () => {
  const previous = place(graphOf(actor("g/a")));
  const moved = [{ name: "c", shards: [{ first: 0, last: 127 }] }, ...nodes.slice(1)];
  expect(
    place(graphOf(actor("g/a")), { previous, nodes: moved, firstNode: "c" }).placed["g/a"],
  ).toMatchObject({
    shard: 0,
    node: "c",
  });
});

test("an actor whose shard nobody owns any more goes to the first node", () => {
  const previous = place(graphOf(actor("g/a", { placement: { node: "b" } })));
  const { placed } = place(graphOf(actor("g/a")), { previous, nodes: nodes.slice(0, 1) });
  expect(placed["g/a"]).toMatchObject({ node: "a", shard: 0 });
});

test.each([
  ["MANIFEST_NODE_UNKNOWN", { placement: { node: "bb" } }, {}],
  [
    "MANIFEST_NODE_WITHOUT_SHARDS",
    { placement: { node: "c" } },
    { nodes: [...nodes, { name: "c", shards: [] }] },
  ],
  ["MANIFEST_GRAPH_INVALID", {}, { codeHashes: {} }],
] as const)("%s names the actor", (code, fields, input) => {
  const graph = graphOf(actor("g/a", fields));
  const placed = placeGraph(graph, inputOf(graph, input));
  expect(placed.ok ? undefined : placed.error).toMatchObject({ code, where: "g/a" });
});

test("a misspelt node gets the nearest one suggested", () => {
  const graph = graphOf(actor("g/x", { placement: { node: "east-2" } }));
  const placed = placeGraph(
    graph,
    inputOf(graph, { nodes: [{ name: "east-1", shards: [{ first: 0, last: 255 }] }] }),
  );
  expect(placed.ok ? "" : placed.error.message).toContain("did you mean `east-1`?");
});

test("every actor is placed on a shard that its node owns, and placing again changes nothing", () => {
  fc.assert(
    fc.property(anyGraph, anyGraph, (first, second) => {
      const placed = place(second, { previous: place(first) });
      for (const { path, placement } of actorsOf(second)) {
        const at = placed.placed[path];
        expect(at?.node === "a" ? at.shard <= 127 : (at?.shard ?? 0) >= 128).toBe(true);
        if (placement.node !== undefined) expect(at?.node).toBe(placement.node);
      }
      expect(planGraph(placed, place(second, { previous: placed })).changes).toEqual([]);
    }),
  );
});

test("each new actor goes to the first of the shards with the fewest, wherever the others are", () => {
  const small = [{ name: "a", shards: [{ first: 0, last: 3 }] }];
  const shards = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 20 });
  fc.assert(
    fc.property(shards, fc.integer({ min: 1, max: 12 }), (before, added) => {
      const old = before.map((_, index) => actor(`g/old${index}`));
      const fresh = Array.from({ length: added }, (_, index) => actor(`g/new${index}`));
      const placedBefore = before.map((shard, index) => [
        `g/old${index}`,
        { shard, node: "a", codeHash: codeHash(1) },
      ]);
      const previous = { ...graphOf(...old), placed: Object.fromEntries(placedBefore) };
      const { placed } = place(graphOf(...old, ...fresh), { nodes: small, previous });
      const loads = [0, 1, 2, 3].map((shard) => before.filter((each) => each === shard).length);
      for (const { path } of fresh) {
        const least = loads.indexOf(Math.min(...loads));
        expect(placed[path]?.shard).toBe(least);
        loads[least] = (loads[least] ?? 0) + 1;
      }
    }),
  );
});
