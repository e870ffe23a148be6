// What the graph in force says of what intents take.
import { expect, test } from "vitest";
import type { ActorSpec, ChildSpec, PlacedGraph, SupervisorSpec } from "../../src/manifest/graph.ts";
import { graphResources } from "../../src/runtime/graph-resources.ts";

const MIB = 1024 * 1024;

const actor = (path: string, fields: Partial<ActorSpec> = {}): ActorSpec => ({
  ...{ kind: "actor", path, behaviour: { module: "/b.ts", export: "b" }, input: null, restart: "permanent" },
  ...{ shutdownMs: 1, isolation: "shared", durable: false, mailbox: { bound: 1, whenFull: "refuse" } },
  ...{ intents: {}, grants: [], placement: {} },
  ...fields,
});
const supervisor = (path: string, fields: Partial<SupervisorSpec>): SupervisorSpec => ({
  ...{ kind: "supervisor", path, strategy: "one_for_one", intensity: 1, periodMs: 1, restart: "permanent" },
  ...{ backoff: { initialMs: 0, maxMs: 0, factor: 1 }, children: [] },
  ...fields,
});
const pool = (name: string, fields: Partial<ActorSpec>) =>
  supervisor(`g/${name}`, { strategy: "simple_one_for_one", template: actor(`g/${name}`, fields) });
const graphOf = (...children: readonly ChildSpec[]): PlacedGraph => ({
  roots: [supervisor("g", { children })],
  clients: [],
  placed: {},
});

const priced = { ask: { costMicro: 250_000 }, free: { costMicro: 0 }, other: {} };
const graph = graphOf(
  actor("g/desk", { intents: priced }),
  actor("g/book", { durable: true }),
  pool("shared", { intents: priced, durable: true }),
  pool("worker", { isolation: "worker" }),
  pool("process", { isolation: "process", limits: { memoryBytes: 64 * MIB, cpu: 0.2505 } }),
  pool("open", { isolation: "process" }),
);
const here = () => undefined;
const resources = graphResources(() => graph, here);

test.each([
  ["a price that is stated", "g/desk", "ask", 250_000],
  ["a price of nothing", "g/desk", "free", 0],
  ["no price", "g/desk", "other", undefined],
  ["no such intent", "g/desk", "toString", undefined],
  ["an actor without prices", "g/book", "ask", undefined],
  ["a child that was started at run time", "g/shared/one", "ask", 250_000],
  ["nobody", "g/nobody", "ask", undefined],
  ["a kernel actor", "kernel/a/registry", "child.start", 0],
])("the price of %s", (_what, target, intent, price) => {
  expect(resources.priceOf(target, intent)).toBe(price);
});

test.each([
  ["g/book", true],
  ["g/shared/one", true],
  ["g/desk", false],
  ["g/worker/one", false],
  ["g/nobody", true],
  ["kernel/graph", true],
])("whether what is accepted for %s is kept", (target, isKept) => {
  expect(resources.isKept(target)).toBe(isKept);
});

test.each([
  ["a shared child has no limits", "g/shared", {}],
  ["a worker has a heap", "g/worker", { memoryBytes: 128 * MIB }],
  ["a process has what is stated", "g/process", { memoryBytes: 160 * MIB, cpuMilli: 251 }],
  ["a process has memory by default, and no limit of processors", "g/open", { memoryBytes: 352 * MIB }],
  ["an actor makes no children", "g/desk", undefined],
  ["a supervisor without a template makes none", "g", undefined],
  ["nobody makes any", "", undefined],
])("%s", (_what, path, limits) => {
  expect(resources.childLimits(path)).toEqual(limits);
});

test.each([
  [0.001, 10],
  [0.01, 10],
  [2.007, 2007],
  [4.03, 4030],
  [1 / 3, 334],
])("%s of a processor counts as %s thousandths", (cpu, cpuMilli) => {
  const view = graphResources(() => graphOf(pool("p", { isolation: "process", limits: { cpu } })), here);
  expect(view.childLimits("g/p")?.cpuMilli).toBe(cpuMilli);
});

test("a child counts as what the larger of two templates gives it, while one takes the place of the other", () => {
  const stated = graphOf(pool("p", { isolation: "process", limits: { memoryBytes: 64 * MIB, cpu: 2 } }));
  const running = (limits: NonNullable<ActorSpec["limits"]>, isolation: ActorSpec["isolation"] = "process") =>
    graphResources(
      () => stated,
      () => actor("g/p", { isolation, limits }),
    ).childLimits("g/p");
  expect(running({ memoryBytes: 1024 * MIB, cpu: 1 })).toEqual({ memoryBytes: 1120 * MIB, cpuMilli: 2_000 });
  expect(running({ memoryBytes: 1 * MIB })).toEqual({ memoryBytes: 160 * MIB });
  expect(running({}, "shared")).toEqual({});
  const gone = graphResources(
    () => graphOf(),
    () => actor("g/p", { isolation: "worker" }),
  );
  expect(gone.childLimits("g/p")).toEqual({ memoryBytes: 128 * MIB });
});

test("is asked anew when another revision is in force", () => {
  let current = graph;
  const view = graphResources(() => current, here);
  expect(view.priceOf("g/desk", "ask")).toBe(250_000);
  current = graphOf(actor("g/desk", { intents: { ask: { costMicro: 1 } } }));
  expect(view.priceOf("g/desk", "ask")).toBe(1);
  expect(view.childLimits("g/worker")).toBeUndefined();
});
