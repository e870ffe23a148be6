// One suite of behaviours, run volatile and durable, with equal expectations.
import { describe, expect, test } from "vitest";
import {
  assign,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  raise,
  sendParent,
  sendTo,
  setup,
  stopChild,
} from "xstate";
import { z } from "zod";
import {
  CellError,
  defineActor,
  type IntentEvents,
  intent,
  log,
  type ReplyEvent,
  type RequestErrorEvent,
  refuse,
  reply,
  request,
  send,
  serveActor,
} from "../../../src/index.ts";
import { type TestActorOptions, testActor } from "../../../src/testkit.ts";

const any = { reply: z.unknown() };
const intents = {
  add: intent({ payload: z.object({ n: z.number() }) }),
  look: intent(any),
  later: intent(any),
  settle: intent(any),
  refuse: intent(any),
  wrong: intent({ reply: z.object({ n: z.number() }) }),
  stream: intent(any),
  tell: intent({ payload: z.object({ to: z.string() }) }),
  ask: intent({ ...any, payload: z.object({ timeoutMs: z.number().default(5000) }) }),
  wait: intent({}),
  cancel: intent({}),
  compute: intent(any),
  fail: intent(any),
  listen: intent({}),
  ping: intent({}),
  unheard: intent(any),
  nested: intent({}),
  finish: intent({}),
  boom: intent(any),
  note: intent({}),
  spin: intent({}),
};
type Context = { sum: number; log: string[]; waiting: string[] };
type Events =
  | IntentEvents<typeof intents>
  | ReplyEvent<"answered">
  | RequestErrorEvent<"unanswered">
  | { type: "ticked" }
  | { type: "grandchild.done" }
  | { type: "spun" };

const child = setup({ types: { events: {} as { type: "poke" } } }).createMachine({
  id: "child",
  initial: "idle",
  states: {
    idle: { on: { poke: "poked" } },
    poked: { after: { 500: "over" } },
    over: { entry: sendParent({ type: "grandchild.done" }), type: "final" },
  },
});

const base = setup({
  types: { context: {} as Context, events: {} as Events },
  actors: {
    compute: fromPromise<number, { n: number }>(async ({ input }) => input.n * 2),
    reject: fromPromise(async () => {
      throw new Error("rejected");
    }),
    ticker: fromCallback(({ sendBack, receive }) => receive(() => sendBack({ type: "ticked" }))),
    numbers: fromObservable(
      () =>
        ({
          subscribe: (observer: { next?: (value: number) => void; complete?: () => void }) => {
            observer.next?.(1);
            return { unsubscribe: () => {} };
          },
        }) as never,
    ),
    counter: fromTransition((count: number) => count + 1, 0),
    child,
  },
  actions: {
    noteEvent: assign({ log: ({ context, event }) => [...context.log, event.type] }),
  },
});
const machine = base.createMachine({
  context: { sum: 0, log: [], waiting: [] },
  initial: "idle",
  on: {
    add: { actions: assign({ sum: ({ context, event }) => context.sum + event.payload.n }) },
    look: { actions: reply(({ context }) => ({ sum: context.sum, log: context.log })) },
    later: { actions: assign({ waiting: ({ context, event }) => [...context.waiting, event.intent.id] }) },
    settle: {
      actions: [
        reply(({ context }) => context.sum, { to: ({ context }) => context.waiting[0] ?? "" }),
        reply(() => "settled"),
        assign({ waiting: [] }),
      ],
    },
    refuse: { actions: refuse({ message: "no", remedy: "Ask nicely." }) },
    wrong: { actions: reply(() => ({ n: "one" }) as never) },
    stream: {
      actions: [
        reply(() => 1, { final: false }),
        reply(() => 2, { final: false }),
        reply(() => 3),
        reply(() => 4),
      ],
    },
    tell: { actions: send(({ event }) => ({ target: event.payload.to, intent: "told", payload: { n: 1 } })) },
    ask: {
      actions: request(({ event }) => ({
        target: "a/b",
        intent: "x",
        onReply: "answered",
        onError: "unanswered",
        timeoutMs: event.payload.timeoutMs,
        ref: "r1",
      })),
    },
    answered: { actions: ["noteEvent", reply(({ event }) => event.payload)] },
    unanswered: { actions: ["noteEvent", reply(({ event }) => event.error.code)] },
    boom: {
      actions: assign({
        sum: () => {
          throw new TypeError("boom");
        },
      }),
    },
    note: { actions: [log("noted"), "noteEvent", raise({ type: "spun" })] },
    spun: { actions: "noteEvent" },
    spin: { actions: sendTo(({ self }) => self, { type: "spun" }) },
    finish: ".finished",
  },
  states: {
    idle: {
      on: { wait: "waiting", compute: "computing", fail: "failing", listen: "listening", nested: "nesting" },
    },
    waiting: { after: { 1000: { target: "idle", actions: "noteEvent" } }, on: { cancel: "idle" } },
    computing: {
      invoke: {
        src: "compute",
        input: ({ context }) => ({ n: context.sum }),
        onDone: { target: "idle", actions: ["noteEvent", reply(({ event }) => event.output)] },
      },
    },
    failing: {
      invoke: {
        src: "reject",
        id: "reject",
        onError: { target: "idle", actions: ["noteEvent", reply(({ event }) => String(event.error))] },
      },
    },
    listening: {
      invoke: [
        { src: "ticker", id: "ticker" },
        { src: "numbers", id: "numbers", onSnapshot: { actions: "noteEvent" } },
        { src: "counter", id: "counter" },
      ],
      on: {
        ping: { actions: [sendTo("ticker", { type: "tick" }), sendTo("counter", { type: "tick" })] },
        ticked: { actions: "noteEvent" },
        cancel: { target: "idle", actions: stopChild("ticker") },
      },
    },
    nesting: {
      invoke: { src: "child", id: "child", onDone: { target: "idle", actions: "noteEvent" } },
      on: {
        ping: { actions: sendTo("child", { type: "poke" }) },
        "grandchild.done": { actions: "noteEvent" },
      },
    },
    finished: { type: "final" },
  },
});
const behaviour = defineActor({ machine, intents });

describe.each([
  ["volatile", false],
  ["durable", true],
])("%s", (_, durable) => {
  const start = (options: TestActorOptions<unknown> = {}) => testActor(behaviour, { ...options, durable });

  test("an intent changes the state, and is answered", async () => {
    await using actor = start();
    expect(await actor.request("add", { n: 2 })).toEqual({});
    expect(await actor.request("add", { n: 3 })).toEqual({});
    expect(await actor.request("look", {})).toEqual({ sum: 5, log: [] });
    expect(actor.context.sum).toBe(5);
  });

  test("intents at once are handled in order", async () => {
    await using actor = start();
    const all = await Promise.all(Array.from({ length: 200 }, (_each, n) => actor.deliver("add", { n })));
    expect(all.every(({ answered }) => answered)).toBe(true);
    expect(actor.context.sum).toBe(19_900);
  });

  test("an answer owed is given later", async () => {
    await using actor = start();
    const owed = await actor.deliver("later", {});
    expect(owed.answered).toBe(false);
    expect(actor.host.stats().openRequests).toBe(1);
    expect(await actor.request("settle", {})).toBe("settled");
    expect(owed).toMatchObject({ answered: true, replies: [0] });
  });

  test("an answer that is never given is a deadline exceeded", async () => {
    await using actor = start();
    await expect(actor.request("later", {}, { timeoutMs: 700 })).rejects.toMatchObject({
      code: "ACTOR_DEADLINE_EXCEEDED",
    });
  });

  test("refusals, replies against the schema and intents that nothing takes are answered with their codes", async () => {
    await using actor = start();
    await expect(actor.request("refuse", {})).rejects.toMatchObject({
      code: "ACTOR_REFUSED",
      remedy: "Ask nicely.",
    });
    await expect(actor.request("wrong", {})).rejects.toMatchObject({ code: "ACTOR_REPLY_INVALID" });
    await expect(actor.request("unheard", {})).rejects.toMatchObject({ code: "ACTOR_INTENT_NOT_HANDLED" });
    await expect(actor.request("add", { n: "x" } as never)).rejects.toMatchObject({
      code: "ACTOR_PAYLOAD_INVALID",
    });
    await expect(actor.request("gone" as never, {} as never)).rejects.toMatchObject({
      code: "ACTOR_INTENT_UNKNOWN",
    });
  });

  test("a stream of replies ends with the final one", async () => {
    await using actor = start();
    const stream = await actor.deliver("stream", {});
    expect(stream).toMatchObject({ replies: [1, 2, 3], answered: true });
  });

  test("sends leave in order", async () => {
    await using actor = start();
    await actor.deliver("tell", { to: "a/b" });
    await actor.deliver("tell", { to: "a/c" });
    expect(actor.sent).toMatchObject([
      { target: "a/b", intent: "told", payload: { n: 1 }, wantsReply: false, timeoutMs: 5000 },
      { target: "a/c" },
    ]);
  });

  test("a request's answer, error and time-out reach the machine, which answers the intent behind it", async () => {
    await using actor = start();
    const asked = await actor.deliver("ask", { timeoutMs: 5000 });
    const [sent] = actor.sent;
    if (sent === undefined) throw new Error("nothing was sent");
    expect(sent.wantsReply).toBe(true);
    await actor.deliverReply(sent, { price: 3 });
    expect(asked).toMatchObject({ answered: true, replies: [{ price: 3 }] });

    const refused = await actor.deliver("ask", { timeoutMs: 5000 });
    const second = actor.sent[1];
    if (second === undefined) throw new Error("nothing was sent");
    await actor.deliverError(second, new CellError("ACTOR_REFUSED"));
    expect(refused.replies).toEqual(["ACTOR_REFUSED"]);

    expect(await actor.request("ask", { timeoutMs: 200 })).toBe("ACTOR_DEADLINE_EXCEEDED");
    expect(actor.context.log).toEqual(["answered", "unanswered", "unanswered"]);
  });

  test("a timer fires once, unless it is cancelled", async () => {
    await using actor = start();
    await actor.deliver("wait", {});
    await actor.advance(999);
    expect(actor.state).toBe("waiting");
    await actor.advance(1);
    expect(actor.state).toBe("idle");
    await actor.deliver("wait", {});
    await actor.deliver("cancel", {});
    await actor.advance(5000);
    expect(actor.context.log).toHaveLength(1);
  });

  test("an invoked promise answers the intent that led to it, and a rejected one too", async () => {
    await using actor = start();
    await actor.deliver("add", { n: 21 });
    expect(await actor.request("compute", {})).toBe(42);
    expect(await actor.request("fail", {})).toBe("Error: rejected");
    expect(actor.state).toBe("idle");
  });

  test("callbacks, observables and reducers run as children, until their state is left", async () => {
    await using actor = start();
    await actor.deliver("listen", {});
    await actor.deliver("ping", {});
    expect(new Set(actor.context.log)).toEqual(new Set(["xstate.snapshot.numbers", "ticked"]));
    expect(actor.context.log.filter((type) => type === "ticked")).toHaveLength(1);
    await actor.deliver("cancel", {});
    await actor.deliver("listen", {});
    expect(actor.state).toBe("listening");
  });

  test("a child machine with a timer of its own talks to its parent and ends", async () => {
    await using actor = start();
    await actor.deliver("nested", {});
    await actor.deliver("ping", {});
    await actor.advance(500);
    expect(actor.context.log).toEqual(["grandchild.done", "xstate.done.actor.child"]);
    expect(actor.state).toBe("idle");
  });

  test("raised events, events to itself and logs", async () => {
    await using actor = start();
    await actor.deliver("note", {});
    await actor.deliver("spin", {});
    expect(actor.context.log).toEqual(["note", "spun", "spun"]);
    expect(actor.logs).toMatchObject([{ level: "info", message: "noted" }]);
  });

  test("a final state is a normal end", async () => {
    await using actor = start();
    await actor.deliver("finish", {});
    expect(actor.exit).toEqual({ kind: "normal" });
  });

  test("a throw fails the actor with its intent, and its restart goes on from the state before", async () => {
    await using actor = start();
    await actor.deliver("add", { n: 1 });
    await actor.deliver("boom", {});
    expect(actor.exit).toMatchObject({
      kind: "failed",
      failure: { class: "crash", message: "boom", intent: { type: "boom" } },
    });
  });

  test("a full mailbox refuses", async () => {
    await using actor = start({ mailbox: { bound: 1, whenFull: "refuse" } });
    const all = await Promise.all([actor.deliver("add", { n: 1 }), actor.deliver("add", { n: 2 })]);
    expect(all.map(({ error }) => error?.code)).toEqual([undefined, "ACTOR_MAILBOX_FULL"]);
  });

  test("the oldest is dropped from a full mailbox, and answered", async () => {
    await using actor = start({ mailbox: { bound: 1, whenFull: "drop_oldest" } });
    const all = await Promise.all([actor.deliver("add", { n: 1 }), actor.deliver("add", { n: 2 })]);
    expect(all.map(({ error }) => error?.code)).toEqual(["ACTOR_INTENT_DROPPED", undefined]);
    expect(actor.context.sum).toBe(2);
  });

  test("a stop ends with shutdown", async () => {
    await using actor = start();
    await actor.deliver("add", { n: 1 });
    expect(await actor.stop(100)).toEqual({ kind: "shutdown" });
  });

  test("the records are the same", async () => {
    await using actor = start();
    await actor.deliver("wait", {});
    await actor.deliver("look", {});
    expect(actor.events.map(({ kind }) => kind.case)).toEqual([
      "intentStarted",
      "transitioned",
      "replied",
      "intentFinished",
      "intentStarted",
      "replied",
      "intentFinished",
    ]);
  });

  test("an actor of handlers answers many requests at once", async () => {
    const served = serveActor({
      intents: {
        twice: intent({ payload: z.object({ n: z.number() }), reply: z.object({ n: z.number() }) }),
      },
      handlers: { twice: async ({ n }) => ({ n: n * 2 }) },
      concurrency: 2,
    });
    await using actor = testActor(served, { durable });
    const all = await Promise.all([1, 2, 3, 4, 5].map((n) => actor.deliver("twice", { n })));
    await actor.settle();
    expect(all.flatMap(({ replies }) => replies)).toEqual([2, 4, 6, 8, 10].map((n) => ({ n })));
  });
});
