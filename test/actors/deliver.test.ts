import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { setup } from "xstate";
import { z } from "zod";
import { startActorNow } from "../../src/actors/host.ts";
import type { OutgoingReply, PriorityName } from "../../src/actors/intent.ts";
import { testDelivery } from "../../src/actors/testkit/test-delivery.ts";
import { createVirtualClock } from "../../src/actors/testkit/virtual-clock.ts";
import type { Turn } from "../../src/actors/turn.ts";
import { defineActor, type IntentEvents, intent, log, refuse, reply } from "../../src/index.ts";
import { testActor } from "../../src/testkit.ts";

const intents = {
  ask: intent({ payload: z.object({ n: z.number() }), reply: z.object({ n: z.number() }) }),
  park: intent({ reply: z.string() }),
  free: intent({ payload: z.object({ id: z.string() }) }),
  stream: intent({ payload: z.object({ count: z.number() }), reply: z.number() }),
  wrong: intent({ reply: z.string() }),
  no: intent({ reply: z.string() }),
  crash: intent(),
  end: intent(),
  raw: intent({ payload: z.union([z.string(), z.instanceof(Uint8Array)]), reply: z.unknown() }),
  "only.closed": intent({ reply: z.string() }),
};
const machine = setup({ types: { events: {} as IntentEvents<typeof intents> } }).createMachine({
  initial: "open",
  on: {
    ask: { actions: reply(({ event }) => event.payload) },
    park: {},
    free: { actions: reply(() => "freed", { to: ({ event }) => event.payload.id }) },
    stream: {
      actions: [
        reply(() => 1, { final: false }),
        reply(() => 2, { final: false }),
        reply(({ event }) => event.payload.count),
        reply(() => 4),
      ],
    },
    // @ts-expect-error a number is no string
    wrong: { actions: reply(() => 5) },
    no: { actions: refuse({ message: "not today", remedy: "Come back tomorrow." }) },
    crash: {
      actions: () => {
        throw new Error("boom");
      },
    },
    end: ".ended",
    raw: {
      actions: reply(({ event }) => (typeof event.payload === "string" ? event.payload : [...event.payload])),
    },
  },
  states: {
    open: {},
    closed: { on: { "only.closed": { actions: reply(() => "yes") } } },
    ended: { type: "final" },
  },
});
const behaviour = defineActor({ machine, intents });

describe("an intent that is refused at the door", () => {
  const rows: [why: string, type: string, payload: unknown, code: string, message: RegExp][] = [
    ["is of an unknown type", "aks", {}, "ACTOR_INTENT_UNKNOWN", /does not accept "aks"/],
    ["lacks a field", "ask", {}, "ACTOR_PAYLOAD_INVALID", /^n: /],
    ["has a wrong field", "ask", { n: "1" }, "ACTOR_PAYLOAD_INVALID", /^n: .*number/],
    ["has a payload where none is declared", "park", { x: 1 }, "ACTOR_PAYLOAD_INVALID", /x/],
    ["is too large", "raw", "x".repeat(70_000), "ACTOR_PAYLOAD_INVALID", /65536 bytes/],
    ["is too deep", "ask", JSON.parse("[".repeat(80) + "]".repeat(80)), "ACTOR_PAYLOAD_INVALID", /64 levels/],
  ];
  test.for(rows)("%s", async ([, type, payload, code, message]) => {
    await using actor = testActor(behaviour);
    // Wrong on purpose.
    const delivered = await actor.deliver(type as "raw", payload as string);
    expect(delivered.error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(actor.host.stats()).toMatchObject({ refused: 1, handled: 0, mailboxDepth: 0 });
  });

  test("is not taken in the present state", async () => {
    await using actor = testActor(behaviour);
    const { error } = await actor.deliver("only.closed", {});
    expect(error).toMatchObject({
      code: "ACTOR_INTENT_NOT_HANDLED",
      message: "test/actor takes no only.closed in state open",
    });
  });

  test("is not listed in the manifest, or breaks its schema", async () => {
    const payload = { type: "object", properties: { n: { type: "number", maximum: 10 } }, required: ["n"] };
    await using actor = testActor(behaviour, { intents: { ask: { payload }, stream: {} } });
    expect((await actor.deliver("park", {})).error).toMatchObject({ code: "ACTOR_INTENT_UNKNOWN" });
    expect((await actor.deliver("ask", { n: 11 })).error).toMatchObject({ code: "ACTOR_PAYLOAD_INVALID" });
    expect(await actor.request("ask", { n: 10 })).toEqual({ n: 10 });
  });

  test("a manifest that lists what the behaviour does not declare fails the start", () => {
    const start = () => testActor(behaviour, { intents: { aks: {} } });
    expect(start).toThrow(
      expect.objectContaining({
        code: "ACTOR_INTENT_SCHEMA_INVALID",
        remedy: expect.stringContaining("Did you mean ask?"),
      }),
    );
    const broken = () => testActor(behaviour, { intents: { ask: { payload: { type: "nonsense" } } } });
    expect(broken).toThrow(expect.objectContaining({ code: "ACTOR_INTENT_SCHEMA_INVALID" }));
  });
});

describe("an intent that is taken", () => {
  test("is answered, with a stream's parts in order and nothing after the end", async () => {
    await using actor = testActor(behaviour);
    expect(await actor.deliver("stream", { count: 3 })).toMatchObject({ answered: true, replies: [1, 2, 3] });
    expect(actor.logs).toMatchObject([{ level: "warn", message: expect.stringContaining("nobody waits") }]);
  });

  test("may be answered later, by its id", async () => {
    await using actor = testActor(behaviour);
    const parked = await actor.deliver("park", {});
    expect(parked.answered).toBe(false);
    expect(actor.host.stats()).toMatchObject({ openRequests: 1, busySinceUnixMs: actor.nowUnixMs });
    expect(await actor.request("free", { id: parked.id })).toEqual({});
    expect(parked).toMatchObject({ answered: true, replies: ["freed"] });
  });

  test("hears by its deadline when nobody answers", async () => {
    await using actor = testActor(behaviour);
    const parked = await actor.deliver("park", {}, { timeoutMs: 300 });
    const longer = await actor.deliver("park", {}, { timeoutMs: 400 });
    await actor.advance(301);
    expect([parked.error?.code, longer.error?.code]).toEqual(["ACTOR_DEADLINE_EXCEEDED", undefined]);
    await actor.advance(100);
    expect(longer.error?.code).toBe("ACTOR_DEADLINE_EXCEEDED");
    await actor.request("free", { id: parked.id });
    expect(parked.replies).toEqual([]);
  });

  test("hears of a reply that breaks its own schema, and the actor lives on", async () => {
    await using actor = testActor(behaviour);
    expect((await actor.deliver("wrong", {})).error).toMatchObject({ code: "ACTOR_REPLY_INVALID" });
    expect(actor.logs).toMatchObject([{ level: "error" }]);
    expect(await actor.request("ask", { n: 1 })).toEqual({ n: 1 });
  });

  test("may be refused by the behaviour", async () => {
    await using actor = testActor(behaviour);
    const { error } = await actor.deliver("no", {});
    expect(error).toMatchObject({
      code: "ACTOR_REFUSED",
      message: "not today",
      remedy: "Come back tomorrow.",
    });
  });

  test("reads bytes and text as they are", async () => {
    await using actor = testActor(behaviour);
    expect(await actor.request("raw", new Uint8Array([1, 2]))).toEqual([1, 2]);
    expect(await actor.request("raw", "text")).toBe("text");
  });

  test("is recorded from its beginning to its end", async () => {
    await using actor = testActor(behaviour);
    await actor.request("ask", { n: 1 });
    await actor.deliver("no", {});
    expect(actor.events.map(({ kind }) => kind.case)).toEqual([
      "intentStarted",
      "replied",
      "intentFinished",
      "intentStarted",
      "replied",
      "intentFinished",
    ]);
    expect(actor.events.at(-1)).toMatchObject({
      actor: "test/actor",
      intent: { type: "no" },
      kind: { value: { error: { code: "ACTOR_REFUSED" } } },
    });
  });
});

describe("stopping", () => {
  test("an idle actor stops at once", async () => {
    await using actor = testActor(behaviour);
    expect(await actor.host.stop(5_000)).toEqual({ kind: "shutdown" });
    expect((await actor.deliver("ask", { n: 1 })).error).toMatchObject({ code: "ACTOR_NOT_RUNNING" });
  });

  test("a busy one finishes what it took, and takes nothing more", async () => {
    await using actor = testActor(behaviour);
    const parked = await actor.deliver("park", {});
    const queued = actor.deliver("free", { id: parked.id });
    const stopped = actor.host.stop(5_000);
    expect((await actor.deliver("ask", { n: 1 })).error).toMatchObject({ code: "ACTOR_NOT_RUNNING" });
    expect(await stopped).toEqual({ kind: "shutdown" });
    expect((await queued).answered).toBe(true);
    expect(parked.replies).toEqual(["freed"]);
  });

  test("one that does not finish in its grace is killed, and its callers hear", async () => {
    await using actor = testActor(behaviour);
    const parked = await actor.deliver("park", {}, { timeoutMs: 60_000 });
    expect(await actor.stop(1_000)).toEqual({ kind: "killed" });
    expect(parked.error).toMatchObject({ code: "ACTOR_NOT_RUNNING" });
  });
});

test("changes of mailbox and intents need no restart, and a bad one changes nothing", async () => {
  await using actor = testActor(behaviour);
  const mailbox = { bound: 1, whenFull: "refuse" } as const;
  expect(actor.host.reconfigure({ mailbox, intents: { ask: {} } })).toEqual({ ok: true, value: undefined });
  expect((await actor.deliver("park", {})).error).toMatchObject({ code: "ACTOR_INTENT_UNKNOWN" });
  const both = await Promise.all([actor.deliver("ask", { n: 1 }), actor.deliver("ask", { n: 2 })]);
  expect(both.map(({ error }) => error?.code)).toEqual([undefined, "ACTOR_MAILBOX_FULL"]);
  expect(both[1]?.error?.retryAfterMs).toBeGreaterThan(0);
  expect(actor.host.reconfigure({ mailbox, intents: { absent: {} } })).toMatchObject({ ok: false });
  expect(await actor.request("ask", { n: 1 })).toEqual({ n: 1 });
});

test("describe tells intents with their JSON Schemas, and all states", async () => {
  await using actor = testActor(behaviour, { intents: { ask: { payload: { type: "object" } } } });
  expect(actor.host.describe()).toMatchObject({
    intents: {
      ask: { payload: { required: ["n"] }, reply: { required: ["n"] }, manifest: { type: "object" } },
    },
    states: ["open", "closed", "ended"],
  });
});

test("whatever is delivered is either refused at the door or answered exactly once, at the latest at its deadline", async () => {
  const types = [
    "ask",
    "park",
    "free",
    "stream",
    "wrong",
    "no",
    "crash",
    "end",
    "only.closed",
    "absent",
  ] as const;
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("deliver" as const),
        type: fc.constantFrom(...types),
        timeoutMs: fc.integer({ min: 0, max: 50 }),
        priority: fc.constantFrom<PriorityName>("critical", "high", "normal", "low"),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("turn" as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 30 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("stop" as const), graceMs: fc.integer({ min: 0, max: 20 }) }),
    },
  );
  const property = fc.property(
    fc.array(step, { maxLength: 80 }),
    fc.constantFrom("refuse" as const, "drop_oldest" as const),
    (steps, whenFull) => {
      const clock = createVirtualClock(0);
      const turns: Turn[] = [];
      const host = startActorNow({
        behaviour,
        incarnation: { term: 1, activation: 1 },
        spec: {
          kind: "actor",
          path: "test/actor",
          behaviour: { module: "", export: "" },
          input: null,
          restart: "permanent",
          shutdownMs: 1000,
          isolation: "shared",
          durable: false,
          mailbox: { bound: 4, whenFull },
          intents: {},
          grants: [],
          placement: {},
        },
        ports: {
          clock,
          turns: { schedule: (turn) => turns.push(turn) },
          send: () => {},
          record: () => {},
          random: () => 0,
        },
      });
      const waiting: { finals: number; deadline: number; type: string }[] = [];
      const advance = (to: number): void => {
        for (let fire = clock.takeDue(to); fire !== undefined; fire = clock.takeDue(to)) fire();
        clock.set(to);
      };
      const turn = (): void => {
        const next = turns.shift();
        if (next?.() === true) turns.push(next);
      };
      let order = 0;
      for (const action of steps) {
        if (action.do === "turn") turn();
        else if (action.do === "advance") advance(clock.unixMs() + action.ms);
        else if (action.do === "stop") void host.stop(action.graceMs);
        else {
          const asked = { finals: 0, deadline: clock.unixMs() + action.timeoutMs, type: action.type };
          const respond = (sent: OutgoingReply): void => {
            if (sent.kind === "error" || sent.final) asked.finals += 1;
          };
          const payload =
            action.type === "ask"
              ? { n: 1 }
              : action.type === "free"
                ? { id: "1".padStart(32, "0") }
                : action.type === "stream"
                  ? { count: 3 }
                  : {};
          const delivery = testDelivery({
            ...action,
            order: ++order,
            payload,
            target: host.path,
            nowUnixMs: clock.unixMs(),
            respond,
          });
          if (host.deliver(delivery).ok) waiting.push(asked);
          else expect(asked.finals).toBe(0);
        }
        for (const { finals, deadline } of waiting) {
          expect(finals).toBeLessThanOrEqual(1);
          if (clock.unixMs() > deadline + 1) expect(finals).toBe(1);
        }
      }
      while (turns.length > 0) turn();
      advance(clock.unixMs() + 100);
      for (const { finals } of waiting) expect(finals).toBe(1);
    },
  );
  fc.assert(property, { numRuns: 300, verbose: 1 });
});

test("an id that is in use by somebody else's open request is refused, and never answered to the wrong one", async () => {
  const clock = createVirtualClock(0);
  const turns: Turn[] = [];
  const answers: string[] = [];
  const host = startActorNow({
    behaviour,
    incarnation: { term: 1, activation: 1 },
    spec: {
      kind: "actor",
      path: "test/actor",
      behaviour: { module: "", export: "" },
      input: null,
      restart: "permanent",
      shutdownMs: 1000,
      isolation: "shared",
      durable: false,
      mailbox: { bound: 4, whenFull: "refuse" },
      intents: {},
      grants: [],
      placement: {},
    },
    ports: {
      clock,
      turns: { schedule: (turn) => turns.push(turn) },
      send: () => {},
      record: () => {},
      random: () => 0,
    },
  });
  for (const principal of ["alice", "mallory"]) {
    const respond = (sent: OutgoingReply): void => {
      answers.push(`${principal}: ${sent.kind === "error" ? sent.error.code : sent.value}`);
    };
    host.deliver(
      testDelivery({
        type: "park",
        payload: {},
        principal,
        order: 1,
        target: host.path,
        nowUnixMs: 0,
        respond,
      }),
    );
  }
  while (turns.shift()?.() === true);
  expect(answers).toEqual(["mallory: ACTOR_ID_TAKEN"]);
});

test("logs are bounded", async () => {
  const talker = defineActor({
    machine: setup({}).createMachine({ on: { crash: { actions: log(() => "x".repeat(100_000)) } } }),
    intents: { crash: intent() },
  });
  await using actor = testActor(talker);
  await actor.request("crash", {});
  expect(actor.logs[0]?.message.length).toBe(4096);
});
