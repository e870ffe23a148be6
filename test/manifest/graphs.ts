// Graphs for tests: small ones by hand, arbitrary ones for laws.
import fc from "fast-check";
import type { ActorSpec, ChildSpec, Graph, PlacedGraph, SupervisorSpec } from "../../src/manifest/graph.ts";
import { actorsOf } from "../../src/manifest/graph-walk.ts";

export const actor = (path: string, fields: Partial<ActorSpec> = {}): ActorSpec => ({
  kind: "actor",
  path,
  behaviour: { module: "/graph/desk.ts", export: "desk" },
  input: null,
  restart: "permanent",
  shutdownMs: 5000,
  isolation: "shared",
  durable: false,
  mailbox: { bound: 1000, whenFull: "refuse" },
  intents: {},
  grants: [],
  placement: {},
  ...fields,
});

export const supervisor = (
  path: string,
  children: readonly ChildSpec[],
  fields: Partial<SupervisorSpec> = {},
): SupervisorSpec => ({
  kind: "supervisor",
  path,
  strategy: "one_for_one",
  intensity: 1,
  periodMs: 5000,
  backoff: { initialMs: 0, maxMs: 10_000, factor: 2 },
  restart: "permanent",
  ...fields,
  children,
});

export const codeHash = (seed: number): string => seed.toString(16).padStart(64, "0");

/** All on shard 0 of `a`, with one code, unless stated otherwise. */
export function placedAt(graph: Graph, codes: Readonly<Record<string, number>> = {}): PlacedGraph {
  const places = [...actorsOf(graph)].map(({ path, placement }) => {
    return [path, { shard: 0, node: placement.node ?? "a", codeHash: codeHash(codes[path] ?? 0) }] as const;
  });
  return { ...graph, placed: Object.fromEntries(places) };
}

export const placedOf = (...roots: readonly SupervisorSpec[]): PlacedGraph =>
  placedAt({ roots, clients: [] });

const names = ["a", "b", "c", "d", "e"] as const;
const grants = fc.array(
  fc.record({
    intents: fc.constant(["x"]),
    targets: fc.array(fc.constantFrom("g/a", "g/**"), { minLength: 1, maxLength: 2 }),
  }),
  { maxLength: 2 },
);

const anyActor = (path: string): fc.Arbitrary<ActorSpec> =>
  fc
    .record({
      input: fc.constantFrom(null, 1, { deep: [1, 2] }, { deep: [2] }),
      restart: fc.constantFrom("permanent" as const, "transient" as const, "temporary" as const),
      shutdownMs: fc.constantFrom(0, 5000),
      mailbox: fc.record({
        bound: fc.constantFrom(1, 1000),
        whenFull: fc.constantFrom("refuse" as const, "drop_oldest" as const, "block" as const),
      }),
      intents: fc.constantFrom(
        {},
        { x: {} },
        { x: { payload: { type: "object" } } },
        { x: { costMicro: 1 } },
      ),
      grants,
      placement: fc.constantFrom({}, { node: "b" }),
    })
    .map((fields) => actor(path, fields));

const anySupervisor = (path: string, depth: number): fc.Arbitrary<SupervisorSpec> =>
  fc
    .shuffledSubarray([...names], { maxLength: 4 })
    .chain((chosen) => {
      const children = chosen.map((name): fc.Arbitrary<ChildSpec> => {
        const below = `${path}/${name}`;
        return depth === 0 ? anyActor(below) : fc.oneof(anyActor(below), anySupervisor(below, depth - 1));
      });
      return fc.tuple(fc.tuple(...children), fc.nat({ max: 3 }), fc.constantFrom(1000, 5000));
    })
    .map(([children, intensity, periodMs]) => supervisor(path, children, { intensity, periodMs }));

/** Graphs of the same few names, so that two of them have much in common. */
export const anyGraph: fc.Arbitrary<Graph> = fc
  .subarray(["g", "h"])
  .chain((roots) =>
    fc.tuple(
      fc.tuple(...roots.map((root) => anySupervisor(root, 2))),
      fc
        .subarray(["alice", "bob"])
        .chain((clients) => fc.tuple(...clients.map((name) => fc.tuple(fc.constant(name), grants)))),
    ),
  )
  .map(([roots, clients]) => {
    const [first] = roots;
    if (first === undefined) return { roots, clients: [] };
    return {
      roots,
      clients: clients.map(([name, granted]) => ({ graph: first.path, name, grants: granted })),
    };
  });

export const anyPlacedGraph: fc.Arbitrary<PlacedGraph> = fc
  .tuple(anyGraph, fc.dictionary(fc.constantFrom("g/a", "g/b", "h/c"), fc.nat({ max: 2 })))
  .map(([graph, codes]) => placedAt(graph, codes));
