import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AnyEventObject, assign, fromCallback, fromPromise, sendTo, setup } from "xstate";
import { z } from "zod";
import type { Behaviour } from "../../../src/actors/behaviour.ts";
import type { DurablePorts, DurableState } from "../../../src/actors/durable/ports.ts";
import { startDurableActor } from "../../../src/actors/durable/start-durable-actor.ts";
import type { Delivery, OutgoingReply } from "../../../src/actors/intent.ts";
import { testDelivery } from "../../../src/actors/testkit/test-delivery.ts";
import { createVirtualClock } from "../../../src/actors/testkit/virtual-clock.ts";
import { defineActor, type IntentEvents, intent, reply, serveActor } from "../../../src/index.ts";
import { testActor } from "../../../src/testkit.ts";

const any = { reply: z.unknown() };
const intents = {
  go: intent({ payload: z.object({ n: z.number().default(0) }) }),
  look: intent(any),
  owe: intent(any),
  pay: intent({}),
  own: intent({ payload: z.object({ fails: z.boolean().default(false) }) }),
  grow: intent({}),
  keep: intent({}),
  work: intent(any),
};
let runs: string[] = [];
let release: (() => void)[] = [];
const base = setup({
  types: { context: {} as { log: unknown[]; owed: string }, events: {} as IntentEvents<typeof intents> },
  actors: {
    work: fromPromise<string>(async () => {
      runs.push("work");
      await new Promise<void>((resolve) => release.push(resolve));
      return "worked";
    }),
  },
});
const machine = base.createMachine({
  context: { log: [], owed: "" },
  initial: "idle",
  on: {
    go: { actions: assign({ log: ({ context, event }) => [...context.log, event.payload.n] }) },
    look: { actions: reply(({ context }) => context.log) },
    owe: { actions: assign({ owed: ({ event }) => event.intent.id }) },
    pay: { actions: reply(() => "paid", { to: ({ context }) => context.owed }) },
    own: {
      actions: [
        assign({ log: ({ context }) => [...context.log, "own"] }),
        ({ event }) => {
          runs.push("own");
          if (event.payload.fails) throw new TypeError("own");
        },
      ],
    },
    grow: { actions: assign({ log: () => ["x".repeat(600_000)] }) },
    keep: { actions: assign({ log: () => [new Map()] }) },
  },
  states: {
    idle: { on: { work: "working" } },
    working: {
      invoke: {
        src: "work",
        id: "work",
        onDone: { target: "idle", actions: reply(({ event }) => event.output) },
        onError: { target: "idle", actions: reply(({ event }) => Reflect.get(Object(event.error), "code")) },
      },
    },
  },
});
const behaviour = defineActor({ machine, intents });
const start = () => {
  runs = [];
  release = [];
  return testActor(behaviour, { durable: true });
};

describe("a durable actor that died", () => {
  test("owes its answers on, to who asked the incarnation before", async () => {
    await using actor = start();
    const owed = await actor.deliver("owe", {});
    await actor.crash();
    await actor.restart();
    expect(actor.host.stats().openRequests).toBe(1);
    await actor.deliver("pay", {});
    expect(owed).toMatchObject({ answered: true, replies: ["paid"] });
  });

  test("answers what it owes with a deadline exceeded, when that passes after the restart", async () => {
    await using actor = start();
    const owed = await actor.deliver("owe", {}, { timeoutMs: 1_000 });
    await actor.crash();
    await actor.restart();
    await actor.advance(1_001);
    expect(owed.error?.code).toBe("ACTOR_DEADLINE_EXCEEDED");
  });

  test("runs promises in flight again, and they answer the intent that led to them", async () => {
    await using actor = start();
    const asked = await actor.deliver("work", {});
    await actor.crash();
    await actor.restart();
    expect(runs).toEqual(["work", "work"]);
    for (const each of release) each();
    await actor.settle();
    expect(asked.replies).toEqual(["worked"]);
  });

  test("lets promises in flight fail, if the behaviour says so", async () => {
    runs = [];
    await using actor = testActor(defineActor({ machine, intents, onResume: "fail" }), { durable: true });
    const asked = await actor.deliver("work", {});
    await actor.crash();
    await actor.restart();
    expect(runs).toEqual(["work"]);
    expect(asked.replies).toEqual(["ACTOR_PROMISE_INTERRUPTED"]);
    expect(actor.state).toBe("idle");
  });

  test("runs the behaviour's own actions at least once, and not again once that is kept", async () => {
    await using actor = start();
    actor.failCommit("crash after");
    await actor.deliver("own", {});
    expect(runs).toEqual([]);
    await actor.restart();
    expect(runs).toEqual(["own"]);
    await actor.crash();
    await actor.restart();
    expect(runs).toEqual(["own"]);
  });

  test("does not repeat an own action that threw: its state is kept, and its intent answered", async () => {
    await using actor = start();
    const given = await actor.deliver("own", { fails: true });
    expect(actor.exit).toMatchObject({
      kind: "failed",
      failure: { message: "own", intent: { type: "own" } },
    });
    expect(given).toMatchObject({ answered: true, error: undefined });
    await actor.restart();
    expect(actor.exit).toBeUndefined();
    expect(runs).toEqual(["own"]);
    expect(actor.context.log).toEqual(["own"]);
  });

  test("begins the intents of a serving actor again that were not answered", async () => {
    let calls = 0;
    const served = serveActor({
      intents: { twice: intent({ payload: z.object({ n: z.number() }), reply: z.number() }) },
      handlers: {
        twice: async ({ n }) => {
          calls += 1;
          if (calls === 1) await new Promise(() => {});
          return n * 2;
        },
      },
    });
    await using actor = testActor(served, { durable: true });
    const asked = await actor.deliver("twice", { n: 4 });
    await actor.crash();
    await actor.restart();
    expect({ calls, replies: asked.replies }).toEqual({ calls: 2, replies: [8] });
  });
});

describe("a commit that is not kept", () => {
  test.each([
    ["refused", "ACTOR_COMMIT_FAILED"],
    ["fenced", "ACTOR_FENCED"],
  ] as const)("%s: nothing is performed or answered, and the actor ends", async (fault, code) => {
    await using actor = start();
    actor.failCommit(fault);
    const given = await actor.deliver("go", { n: 1 });
    expect(actor.exit).toMatchObject({ kind: "failed", failure: { class: "loss", name: code } });
    expect(given.answered).toBe(false);
    await actor.restart();
    expect(given.answered).toBe(true);
    expect(actor.context.log).toEqual([1]);
  });

  test("that nobody hears of counts as lost after a while", async () => {
    await using actor = start();
    actor.failCommit("silent");
    await actor.deliver("go", { n: 1 }, { timeoutMs: 100_000 });
    expect(actor.exit).toBeUndefined();
    await actor.advance(30_000);
    expect(actor.exit).toMatchObject({ failure: { class: "loss", name: "ACTOR_COMMIT_FAILED" } });
  });

  test.each([
    ["grow", "ACTOR_STATE_TOO_LARGE"],
    ["keep", "ACTOR_SNAPSHOT_UNSUPPORTED"],
  ] as const)(
    "because of %s: the intent is named, and what was decided before is kept",
    async (type, name) => {
      await using actor = start();
      await actor.deliver("go", { n: 1 });
      const [before, given] = await Promise.all([actor.deliver("go", { n: 2 }), actor.deliver(type, {})]);
      expect(actor.exit).toMatchObject({
        kind: "failed",
        failure: { class: "crash", name, intent: { type } },
      });
      expect([before.answered, given.answered]).toEqual([true, false]);
      expect(actor.committed?.host).toMatchObject({ machine: { machine: { context: { log: [1, 2] } } } });
    },
  );
});

const EMPTY = new TextEncoder().encode("{}");

type Commit = {
  readonly state: DurableState;
  readonly wakeAtUnixMs: number | undefined;
  readonly pending: boolean;
  readonly settle: () => void;
};

/** An actor whose commits are settled by hand. */
function byHand(state?: DurableState, of: Behaviour = behaviour) {
  const commits: Commit[] = [];
  const replayed: OutgoingReply[] = [];
  const killers: string[] = [];
  const durable: DurablePorts = {
    commit: (kept, meta) => {
      const { promise, resolve } = Promise.withResolvers<{ ok: true; value: undefined }>();
      const settle = () => resolve({ ok: true, value: undefined });
      commits.push({
        state: JSON.parse(JSON.stringify(kept)),
        settle,
        wakeAtUnixMs: meta.wakeAtUnixMs,
        pending: meta.pending,
      });
      return promise;
    },
    relay: (_entry, done) => done(),
    responder: () => (answer) => replayed.push(answer),
  };
  const clock = createVirtualClock(Date.UTC(2026, 0, 1));
  const actor = startDurableActor({
    spec: {
      kind: "actor",
      path: "test/actor",
      behaviour: { module: "", export: "" },
      input: null,
      restart: "permanent",
      shutdownMs: 1000,
      isolation: "shared",
      durable: true,
      mailbox: { bound: 1000, whenFull: "refuse" },
      intents: {},
      grants: [],
      placement: {},
    },
    behaviour: of,
    incarnation: { term: 1, activation: 1 },
    ports: {
      send: () => {},
      record: () => {},
      random: Math.random,
      clock,
      succession: {
        died: () => ({ kind: "again" }),
        counted: (killer) => {
          killers.push(killer.type);
          return "poison";
        },
        isPoison: () => false,
        refuses: () => undefined,
        leave: () => {},
      },
    },
    codeHash: "",
    durable,
    ...(state === undefined ? {} : { state }),
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const give = (
    order: number,
    more: Partial<Delivery["intent"]> & { position: number; sourceSequence?: number },
  ) => {
    const { position, sourceSequence, ...meta } = more;
    const replies: OutgoingReply[] = [];
    const made = testDelivery({
      type: "go",
      payload: { n: order },
      target: "test/actor",
      nowUnixMs: clock.unixMs(),
      order,
      respond: (answer) => replies.push(answer),
    });
    const journaled = {
      position,
      returnAddress: order,
      ...(sourceSequence === undefined ? {} : { sourceSequence }),
    };
    const taken = actor.deliver({ ...made, intent: { ...made.intent, ...meta }, journaled });
    return { taken, replies };
  };
  const log = () =>
    Reflect.get(
      Object(
        Reflect.get(
          Object(Reflect.get(Object(Reflect.get(Object(commits.at(-1)?.state.host), "machine")), "machine")),
          "context",
        ),
      ),
      "log",
    );
  const settleAll = async () => {
    await turn();
    for (let settled = 0; settled < commits.length || settled === 0; ) {
      commits[settled]?.settle();
      settled += 1;
      await turn();
      await turn();
    }
  };
  return { actor, commits, replayed, killers, give, turn, log, settleAll };
}

describe("the journal", () => {
  test("decides on top of a commit in flight, and performs nothing of that before its own", async () => {
    const { commits, give, turn } = byHand();
    await turn();
    commits[0]?.settle();
    const first = give(1, { position: 1 });
    await turn();
    const second = give(2, { position: 2 });
    await turn();
    expect(commits).toHaveLength(2);
    expect([first.replies, second.replies]).toEqual([[], []]);
    commits[1]?.settle();
    await turn();
    expect([first.replies.length, second.replies.length]).toEqual([1, 0]);
    expect(commits[2]?.state.applied.normal).toBe(2);
    commits[2]?.settle();
    await turn();
    expect(second.replies).toHaveLength(1);
  });

  test("an intent under a position that is applied is answered from what was kept, or told that it was not", async () => {
    const first = byHand();
    first.give(1, { position: 4096 });
    await first.settleAll();
    const state = first.commits.at(-1)?.state;
    const next = byHand(state);
    expect(next.replayed).toEqual([{ kind: "value", value: {}, final: true }]);
    expect(next.give(1, { position: 4096 }).replies).toEqual([{ kind: "value", value: {}, final: true }]);
    expect(next.give(2, { position: 4000 }).replies).toMatchObject([
      { kind: "error", error: { code: "CAPSULE_REPLY_NOT_KEPT" } },
    ]);
    expect(next.actor.stats().handled).toBe(0);
  });

  test("an intent that was committed, and comes again under another place because its record never came about, is not begun again", async () => {
    const first = byHand();
    await first.settleAll();
    const owed = first.give(2, { position: 4096, type: "owe", payload: EMPTY });
    first.give(1, { position: 4097 });
    await first.settleAll();
    expect(owed.replies).toEqual([]);
    const next = byHand(first.commits.at(-1)?.state);
    const again = next.give(1, { position: 12_288 });
    next.give(2, { position: 12_289, type: "owe", payload: EMPTY });
    next.give(3, { position: 12_290 });
    await next.settleAll();
    expect(again.replies).toEqual([{ kind: "value", value: {}, final: true }]);
    expect(next.log()).toEqual([1, 3]);
    expect(next.commits.at(-1)?.state.applied.normal).toBe(12_290);
    expect(next.actor.stats()).toMatchObject({ handled: 1, openRequests: 1 });
  });

  test("an intent that was committed without its record is not begun again, however much was answered since", async () => {
    const first = byHand();
    await first.settleAll();
    first.give(2, { position: 4096, type: "owe", payload: EMPTY });
    first.give(1, { position: 4097 });
    await first.settleAll();
    const next = byHand(first.commits.at(-1)?.state);
    next.give(3, { position: 8192, type: "pay", payload: EMPTY });
    for (let at = 0; at < 300; at += 1) {
      next.give(10 + at, { position: 12_288 + at });
      if (at % 50 === 0) await next.settleAll();
    }
    await next.settleAll();
    const again = next.give(1, { position: 16_384 });
    const paid = next.give(2, { position: 16_385, type: "owe", payload: EMPTY });
    await next.settleAll();
    expect(again.replies).toEqual([{ kind: "value", value: {}, final: true }]);
    expect(paid.replies).toEqual([{ kind: "value", value: "paid", final: true }]);
    expect(next.log()).toHaveLength(301);
  });

  test("a later intent of high priority does not make an earlier low one look applied", async () => {
    const first = byHand();
    await first.settleAll();
    first.give(1, { position: 1, priority: "low" });
    first.give(2, { position: 2, priority: "critical" });
    await first.turn();
    await first.turn();
    const afterOne = first.commits.at(-1)?.state;
    expect(afterOne?.applied).toMatchObject({ critical: 2, low: 0 });
    const next = byHand(afterOne);
    next.give(1, { position: 1, priority: "low" });
    next.give(2, { position: 2, priority: "critical" });
    await next.settleAll();
    expect(next.log()).toEqual([2, 1]);
  });

  test("what a durable actor sent twice is applied once, by its place in the outbox", async () => {
    const first = byHand();
    first.give(1, { position: 1, source: "a/b", sourceSequence: 7 });
    first.give(9, { position: 2, source: "a/b", sourceSequence: 7 });
    await first.settleAll();
    expect(first.log()).toEqual([1]);
    const next = byHand(first.commits.at(-1)?.state);
    next.give(1, { position: 3, source: "a/b", sourceSequence: 7, hash: "other" });
    next.give(2, { position: 4, source: "a/b", sourceSequence: 8 });
    await next.settleAll();
    expect(next.log()).toEqual([1, 2]);
    expect(next.commits.at(-1)?.state.applied.normal).toBe(4);
  });

  test("an intent whose state cannot be kept counts as the actor's killer", async () => {
    const { actor, give, killers, settleAll } = byHand();
    await settleAll();
    give(1, { position: 1, type: "keep", payload: EMPTY });
    expect(await actor.exited).toMatchObject({
      failure: { class: "poison", name: "ACTOR_SNAPSHOT_UNSUPPORTED", intent: { type: "keep" } },
    });
    expect(killers).toEqual(["keep"]);
  });

  test("without a journal nothing is taken", async () => {
    const { actor } = byHand();
    const made = testDelivery({
      type: "go",
      payload: {},
      target: "",
      nowUnixMs: 0,
      order: 1,
      respond: () => {},
    });
    expect(actor.deliver(made)).toMatchObject({ ok: false, error: { code: "ACTOR_NOT_JOURNALED" } });
  });
});

test("what waited inside it when it died comes before what the next incarnation brings about (chaos, seed 108)", async () => {
  const told: string[] = [];
  let sayOld = () => {};
  const chatty = setup({
    types: { context: {} as { log: unknown[] }, events: {} as AnyEventObject },
    actors: {
      voice: fromCallback(({ sendBack }) => {
        const say = () => sendBack({ type: "said", by: told.length });
        if (told.push("begun") === 1) sayOld = say;
        else say();
      }),
    },
  }).createMachine({
    context: { log: [] },
    invoke: { src: "voice" },
    on: {
      said: { actions: assign({ log: ({ context, event }) => [...context.log, `said ${event.by}`] }) },
      go: { actions: assign({ log: ({ context, event }) => [...context.log, event.payload.n] }) },
    },
  });
  const of = defineActor({ machine: chatty, intents: { go: intents.go } });
  const first = byHand(undefined, of);
  await first.settleAll();
  first.give(7, { position: 1 });
  await first.turn();
  first.give(8, { position: 2 });
  await first.turn();
  sayOld();
  first.commits.at(-1)?.settle();
  await first.turn();
  const state = first.commits.at(-1)?.state;
  expect(state?.host).toMatchObject({ events: [{ event: { type: "said", by: 1 } }] });
  const next = byHand(state, of);
  await next.settleAll();
  expect(next.log()).toEqual([7, 8, "said 1", "said 2"]);
});

/** Machines in machines, with promises and timers in each. */
const inner = setup({
  types: { context: {} as { log: string[] }, events: {} as AnyEventObject },
  actors: { never: fromPromise(() => new Promise(() => {})) },
}).createMachine({
  context: { log: [] },
  initial: "a",
  states: {
    a: { after: { 1000: "b" }, on: { next: "b" } },
    b: { invoke: { src: "never", id: "never" }, after: { 1000: "c" }, on: { next: "c" } },
    c: { on: { next: "a" } },
  },
  on: { note: { actions: assign({ log: ({ context, event }) => [...context.log, event.type] }) } },
});
const outer = setup({
  types: { context: {} as { log: string[] }, events: {} as AnyEventObject },
  actors: { inner, never: fromPromise(() => new Promise(() => {})) },
}).createMachine({
  context: { log: [] },
  initial: "x",
  invoke: { src: "inner", id: "always" },
  states: {
    x: { invoke: { src: "inner", id: "inner" }, on: { next: "y" } },
    y: { invoke: { src: "never", id: "never" }, after: { 500: "x" }, on: { next: "x" } },
  },
  on: {
    inner: { actions: sendTo("always", { type: "next" }) },
    note: { actions: sendTo("always", { type: "note" }) },
  },
});
const nested = setup({
  types: { context: {} as Record<string, never>, events: {} as AnyEventObject },
  actors: { outer },
}).createMachine({
  context: {},
  invoke: { src: "outer", id: "outer" },
  on: { tell: { actions: sendTo("outer", ({ event }) => ({ type: event.payload.what })) } },
});
const nestedBehaviour = defineActor({
  machine: nested,
  intents: { tell: intent({ payload: z.object({ what: z.string() }) }) },
});

test("persisted, restored and persisted again, nested children are the same", async () => {
  const step = fc.oneof(
    fc.constantFrom("next", "inner", "note").map((what) => ({ what })),
    fc.integer({ min: 1, max: 1500 }).map((ms) => ({ ms })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      await using actor = testActor(nestedBehaviour, { durable: true });
      for (const each of steps) {
        if ("what" in each) await actor.deliver("tell", { what: each.what });
        else await actor.advance(each.ms);
      }
      await actor.deliver("tell", { what: "unknown" });
      const before = actor.committed?.host;
      await actor.crash();
      await actor.restart();
      await actor.deliver("tell", { what: "unknown" });
      expect(actor.committed?.host).toEqual(before);
      // The timers of children go on.
      await actor.advance(2_500);
      expect(actor.exit).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});
