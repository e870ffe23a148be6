import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { assign, fromPromise, setup } from "xstate";
import { z } from "zod";
import { defineActor, type IntentEvents, intent, reply } from "../../src/index.ts";
import type { ActorSpec, SupervisorSpec } from "../../src/manifest/graph.ts";
import { nodeAt } from "../supervisor/node-at.ts";
import { actor, supervisor } from "../supervisor/virtual.ts";
import { RevivedTree } from "./revived-tree.ts";

const intents = {
  add: intent({ payload: z.object({ n: z.number() }), reply: z.number() }),
  /** Throws as often as told, then answers. */
  trip: intent({ payload: z.object({ key: z.string(), times: z.number() }), reply: z.number() }),
  /** Invokes a promise that rejects as often as told. */
  work: intent({ payload: z.object({ key: z.string(), times: z.number() }), reply: z.number() }),
  /** Is answered by `free` only. */
  park: intent({ reply: z.number() }),
  free: intent({ reply: z.number() }),
  list: intent({ reply: z.array(z.string()) }),
};
const tries = new Map<string, number>();
const tripped = ({ key, times }: { readonly key: string; readonly times: number }): void => {
  const before = tries.get(key) ?? 0;
  tries.set(key, before + 1);
  if (before < times) throw new TypeError(`boom ${key}`);
};
const counter = defineActor({
  machine: setup({
    types: {
      context: {} as { log: string[]; sum: number; parked: string },
      events: {} as IntentEvents<typeof intents>,
    },
    actors: {
      tripping: fromPromise<void, { readonly key: string; readonly times: number }>(async ({ input }) =>
        tripped(input),
      ),
    },
  }).createMachine({
    context: { log: [], sum: 0, parked: "" },
    initial: "idle",
    on: {
      add: {
        actions: [
          assign({
            sum: ({ context, event }) => context.sum + event.payload.n,
            log: ({ context, event }) => [...context.log, `add ${event.payload.n}`],
          }),
          reply(({ context }) => context.sum),
        ],
      },
      trip: {
        actions: [
          assign({ log: ({ context, event }) => [...context.log, `trip ${event.payload.key}`] }),
          ({ event }) => tripped(event.payload),
          reply(({ context }) => context.sum),
        ],
      },
      park: { actions: assign({ parked: ({ event }) => event.intent.id }) },
      free: {
        actions: [
          reply(({ context }) => context.sum, { to: ({ context }) => context.parked }),
          reply(({ context }) => context.sum),
        ],
      },
      list: { actions: reply(({ context }) => context.log) },
    },
    states: {
      idle: {
        on: { work: { target: "working", actions: assign({ parked: ({ event }) => event.intent.id }) } },
      },
      working: {
        invoke: {
          src: "tripping",
          input: ({ event }) => (event.type === "work" ? event.payload : { key: "", times: 0 }),
          onDone: {
            target: "idle",
            actions: reply(({ context }) => context.sum, { to: ({ context }) => context.parked }),
          },
        },
      },
    },
  }),
  intents,
});

let keys = 0;
const key = () => `k${++keys}`;
const start = (spec: Partial<ActorSpec> = {}, flags: Partial<SupervisorSpec> = {}) =>
  RevivedTree.start([supervisor("g", [actor("g/x", spec), actor("g/y")], { intensity: 1, ...flags })], {
    "g/x": counter,
    "g/y": counter,
  });

describe("the intent in hand at a crash", () => {
  test("is tried again by the next incarnation, before what waited, from the state before it", async () => {
    await using world = await start();
    const k = key();
    const answers = [
      world.ask("g/x", "add", { n: 1 }),
      world.ask("g/x", "trip", { key: k, times: 1 }),
      world.ask("g/x", "add", { n: 2 }),
      world.ask("g/x", "list"),
    ];
    expect(await Promise.all(answers)).toEqual([
      { value: 1 },
      { value: 1 },
      { value: 3 },
      { value: ["add 1", `trip ${k}`, "add 2"] },
    ]);
    expect(tries.get(k)).toBe(2);
    expect(world.buried).toEqual([]);
  });

  test("is poison at its second death: its sender hears so, it is set aside with its story, the actor goes on", async () => {
    await using world = await start();
    const k = key();
    const before = await world.ask("g/x", "add", { n: 5 });
    const poison = world.ask("g/x", "trip", { key: k, times: 9 }, { principal: "mallory" });
    const behind = world.ask("g/x", "add", { n: 1 });
    expect([before, await poison, await behind]).toEqual([
      { value: 5 },
      { code: "ACTOR_INTENT_POISONOUS" },
      { value: 6 },
    ]);
    expect(tries.get(k)).toBe(2);
    expect(world.buried).toMatchObject([
      {
        delivery: { intent: { id: poison.id, principal: "mallory", type: "trip" } },
        deaths: [
          { class: "crash", name: "TypeError", message: `boom ${k}`, incarnation: { activation: 1 } },
          { class: "crash", name: "TypeError", message: `boom ${k}`, incarnation: { activation: 2 } },
        ],
      },
    ]);
    expect(await world.ask("g/x", "list")).toEqual({ value: ["add 5", "add 1"] });
  });

  test("never wakes a sibling, and of its two restarts one at most counts for the intensity", async () => {
    await using world = await start({}, { intensity: 1 });
    expect(await world.ask("g/x", "trip", { key: key(), times: 9 })).toEqual({
      code: "ACTOR_INTENT_POISONOUS",
    });
    expect(await world.ask("g/x", "add", { n: 1 })).toEqual({ value: 1 });
    const tree = world.tree;
    if (tree === undefined) throw new Error("not started");
    expect(nodeAt(tree, "g/y")).toMatchObject({ restarts: 0, incarnation: { activation: 1 } });
    expect(nodeAt(tree, "g")).toMatchObject({ state: "running", restarts: 0 });
    const classes = world.events.flatMap(({ kind }) =>
      kind.case === "actorCrashed" ? [kind.value.failure] : [],
    );
    expect(classes).toEqual(["crash", "poison"]);
  });

  test.for([1, 2, 3])("is poison after as many deaths as the manifest says: %i", async (deaths) => {
    await using world = await start({ poisonDeaths: deaths }, { intensity: 10 });
    const k = key();
    expect(await world.ask("g/x", "trip", { key: k, times: 99 })).toEqual({ code: "ACTOR_INTENT_POISONOUS" });
    expect(tries.get(k)).toBe(deaths);
    expect(world.buried[0]?.deaths).toHaveLength(deaths);
  });

  test("whose promise rejects is undone and tried again; poison leaves the state before it", async () => {
    await using world = await start({}, { intensity: 10 });
    const [once, often] = [key(), key()];
    expect(await world.ask("g/x", "add", { n: 4 })).toEqual({ value: 4 });
    expect(await world.ask("g/x", "work", { key: once, times: 1 })).toEqual({ value: 4 });
    expect(await world.ask("g/x", "work", { key: often, times: 9 })).toEqual({
      code: "ACTOR_INTENT_POISONOUS",
    });
    expect(tries.get(often)).toBe(2);
    expect(await world.ask("g/x", "add", { n: 1 })).toEqual({ value: 5 });
    expect(world.actors.stats("g/x")).toMatchObject({ state: "idle", openRequests: 0 });
  });
});

describe("a promise that rejects after another intent was handled", () => {
  test("is undone by nothing, runs again, and is answered when it comes about", async () => {
    await using world = await start();
    const answers = [world.ask("g/x", "work", { key: key(), times: 1 }), world.ask("g/x", "add", { n: 1 })];
    expect(await Promise.all(answers)).toEqual([{ value: 1 }, { value: 1 }]);
  });

  test("kills in the name of the intent that began it: poison at its second death, a letter once, and no use of the intensity", async () => {
    await using world = await start({}, { intensity: 1 });
    const answers = [world.ask("g/x", "work", { key: key(), times: 4 }), world.ask("g/x", "add", { n: 1 })];
    expect(await Promise.all(answers)).toEqual([{ code: "ACTOR_INTENT_POISONOUS" }, { value: 1 }]);
    await vi.waitFor(() => expect(world.actors.stats("g/x")).toMatchObject({ state: "idle" }));
    expect(await world.ask("g/x", "add", { n: 1 })).toEqual({ value: 2 });
    const classes = world.events.flatMap(({ kind }) =>
      kind.case === "actorCrashed" ? [kind.value.failure] : [],
    );
    expect(classes).toEqual(["crash", "poison", "poison", "poison"]);
    expect(world.buried).toMatchObject([{ delivery: { intent: { type: "work" } }, deaths: { length: 2 } }]);
    const tree = world.tree;
    if (tree === undefined) throw new Error("not started");
    expect(nodeAt(tree, "g")).toMatchObject({ state: "running", restarts: 0 });
    expect(nodeAt(tree, "g/y")).toMatchObject({ restarts: 0 });
  });
});

test("an answer that is owed outlives the crash of another intent", async () => {
  await using world = await start();
  const parked = world.ask("g/x", "park");
  expect(await world.ask("g/x", "trip", { key: key(), times: 1 })).toEqual({ value: 0 });
  expect(await world.ask("g/x", "free")).toEqual({ value: 0 });
  expect(await parked).toEqual({ value: 0 });
});

test("without a state to go on from, what was owed is answered with the crash", async () => {
  await using world = await RevivedTree.start([supervisor("g", [actor("g/x")])], {
    "g/x": Object.assign(defineActor({ machine: counter.machine, intents, onRestart: "fresh" })),
  });
  const parked = world.ask("g/x", "park");
  expect(await world.ask("g/x", "trip", { key: key(), times: 1 })).toEqual({ value: 0 });
  expect(await parked).toEqual({ code: "ACTOR_CRASHED" });
});

describe("when no next incarnation comes", () => {
  test("everybody who waits is answered at once", async () => {
    await using world = await start({ restart: "temporary" });
    const answers = [
      world.ask("g/x", "park"),
      world.ask("g/x", "trip", { key: key(), times: 9 }),
      world.ask("g/x", "add", { n: 1 }),
    ];
    expect(await Promise.all(answers)).toEqual([
      { code: "ACTOR_CRASHED" },
      { code: "ACTOR_CRASHED" },
      { code: "ACTOR_NOT_RUNNING" },
    ]);
  });

  test("and while its backoff lasts, who waits is answered at the deadline", async () => {
    await using world = await start({}, { backoff: { initialMs: 60_000, maxMs: 60_000, factor: 1 } });
    // Full jitter draws from 0; the tree's own randomness is 0, so that the wait is none.
    const tried = world.ask("g/x", "trip", { key: key(), times: 1 }, { timeoutMs: 2_000 });
    expect(await tried).toEqual({ value: 0 });
  });
});

test("a sender who kills at will parks the actor, and nothing above layer 2 hears of it", async () => {
  await using world = await start({}, { intensity: 3 });
  const codes = new Set<string | undefined>();
  for (let n = 0; n < 60; n++)
    codes.add((await world.ask("g/x", "trip", { key: key(), times: 9 }, { principal: "mallory" })).code);
  const tree = world.tree;
  if (tree === undefined) throw new Error("not started");
  expect(nodeAt(tree, "g/x")).toMatchObject({ state: "parked" });
  expect(nodeAt(tree, "g/y")).toMatchObject({ state: "running" });
  expect(nodeAt(tree, "g")).toMatchObject({ state: "running" });
  expect([...codes].filter((code) => code !== undefined).sort()).toEqual([
    "ACTOR_CRASHED",
    "ACTOR_INTENT_POISONOUS",
    "ACTOR_NOT_RUNNING",
  ]);
  expect(await world.ask("g/y", "add", { n: 1 })).toEqual({ value: 1 });
});

test("whatever is sent in whatever order: each intent is answered exactly once, none is lost, none is applied twice", async () => {
  const step = fc.record({
    what: fc.constantFrom("add" as const, "trip" as const),
    times: fc.integer({ min: 0, max: 3 }),
  });
  const property = fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
    // Five restarts by poison within a minute are allowed.
    fc.pre(steps.filter(({ what, times }) => what === "trip" && times >= 2).length <= 5);
    await using world = await start({}, { intensity: 1_000 });
    const asked = steps.map(({ what, times }, n) => {
      const payload = what === "add" ? { n: 2 ** n } : { key: key(), times };
      return { what, times, answer: world.ask("g/x", what, payload, { timeoutMs: 20_000 }) };
    });
    const answers = await Promise.all(asked.map(({ answer }) => answer));
    let sum = 0;
    for (const [n, { what, times }] of asked.entries()) {
      const answer = answers[n];
      if (what === "add") sum += 2 ** n;
      // What kills more often than the matrix allows parks the actor.
      else if (times >= 2) expect(answer).toEqual({ code: "ACTOR_INTENT_POISONOUS" });
      else expect(answer).toEqual({ value: sum });
    }
    expect(await world.ask("g/x", "add", { n: 0 })).toEqual({ value: sum });
  });
  await fc.assert(property, { verbose: 1, numRuns: 25 });
});
