import { expect, test } from "vitest";
import type { ActorSpec, PlacedGraph, SupervisorSpec } from "../../../src/manifest/graph.ts";
import { isStatedDurable } from "../../../src/runtime/durable/stated-durable.ts";
import { tillSpec } from "./durable-fixture.ts";

const actor = (path: string, durable: boolean): ActorSpec => ({ ...tillSpec(), path, durable });
const supervisor = (path: string, rest: Partial<SupervisorSpec>): SupervisorSpec => ({
  kind: "supervisor",
  path,
  strategy: "one_for_one",
  intensity: 1,
  periodMs: 5_000,
  backoff: { initialMs: 0, maxMs: 0, factor: 1 },
  restart: "permanent",
  children: [],
  ...rest,
});
const graph: PlacedGraph = {
  clients: [],
  placed: {},
  roots: [
    supervisor("g", {
      children: [
        actor("g/kept", true),
        actor("g/not", false),
        supervisor("g/made", { strategy: "simple_one_for_one", template: actor("g/made", true) }),
      ],
    }),
  ],
};

test.each([
  ["g/kept", true],
  ["g/not", false],
  ["g/gone", false],
  ["g/made/one", true],
  ["g/made/one/more", false],
])("the journal of %s is gone on from: %s", (path, expected) => {
  expect(isStatedDurable(graph, path)).toBe(expected);
});
