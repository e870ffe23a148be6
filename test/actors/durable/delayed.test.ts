// Intents that are sent with a delay, of volatile and durable actors, with equal expectations.
import { describe, expect, test } from "vitest";
import { assign, cancel, setup } from "xstate";
import { z } from "zod";
import {
  defineActor,
  type IntentEvents,
  intent,
  type ReplyEvent,
  type RequestErrorEvent,
  reply,
  request,
  send,
} from "../../../src/index.ts";
import { testActor } from "../../../src/testkit.ts";

const intents = {
  tell: intent({
    payload: z.object({ to: z.string(), delayMs: z.number(), id: z.string().exactOptional() }),
  }),
  untell: intent({ payload: z.object({ id: z.string() }) }),
  ask: intent({ reply: z.unknown() }),
  move: intent({}),
  boom: intent({}),
  look: intent({ reply: z.array(z.string()) }),
};
const machine = setup({
  types: {
    context: {} as { readonly seen: readonly string[] },
    events: {} as IntentEvents<typeof intents> | ReplyEvent<"answered"> | RequestErrorEvent<"unanswered">,
  },
}).createMachine({
  context: { seen: [] },
  initial: "here",
  on: {
    tell: {
      actions: send(({ event }) => {
        const { to: target, ...later } = event.payload;
        return { target, intent: "told", payload: { n: 2 }, priority: "high", ...later };
      }),
    },
    untell: { actions: cancel(({ event }) => event.payload.id) },
    ask: {
      actions: request({
        ...{ target: "a/b", intent: "x", onReply: "answered", onError: "unanswered" },
        ...{ delayMs: 1_000, timeoutMs: 200 },
      }),
    },
    answered: { actions: reply(({ event }) => event.payload) },
    unanswered: { actions: reply(({ event }) => event.error.code) },
    boom: {
      actions: assign(() => {
        throw new TypeError("boom");
      }),
    },
    look: { actions: reply(({ context }) => [...context.seen]) },
    // Of what the host keeps for itself it hears nothing.
    "*": { actions: assign({ seen: ({ context, event }) => [...context.seen, event.type] }) },
  },
  states: { here: { on: { move: "there" } }, there: {} },
});
const behaviour = defineActor({ machine, intents });
const told = (actor: { readonly sent: readonly { readonly target: string }[] }) =>
  actor.sent.map(({ target }) => target);

describe.each([
  ["volatile", false],
  ["durable", true],
])("of a %s actor, an intent that is sent with a delay", (_, durable) => {
  const start = () => testActor(behaviour, { durable });
  type Actor = ReturnType<typeof start>;
  /** Its next incarnation goes on from what is kept. */
  const die = async (actor: Actor) => {
    if (durable) await actor.crash();
    else await actor.deliver("boom", {});
    await actor.restart();
  };

  test("leaves once, when it is over", async () => {
    await using actor = start();
    await actor.deliver("tell", { to: "a/b", delayMs: 1_000 });
    await actor.advance(999);
    expect(actor.sent).toEqual([]);
    await actor.advance(1);
    expect(actor.sent).toMatchObject([
      { target: "a/b", intent: "told", payload: { n: 2 }, priority: "high", timeoutMs: 5000 },
    ]);
    await actor.advance(60_000);
    expect(told(actor)).toEqual(["a/b"]);
    expect(await actor.request("look", {})).toEqual([]);
  });

  test("leaves in the order in which it is due, whatever state the machine is in by then", async () => {
    await using actor = start();
    await actor.deliver("tell", { to: "a/late", delayMs: 2_000 });
    await actor.deliver("tell", { to: "a/soon", delayMs: 500 });
    await actor.deliver("tell", { to: "a/now", delayMs: 0 });
    await actor.deliver("move", {});
    await actor.advance(2_000);
    expect(told(actor)).toEqual(["a/now", "a/soon", "a/late"]);
    expect(actor.state).toBe("there");
  });

  test("is taken back by its name, and replaced by another one of that name", async () => {
    await using actor = start();
    await actor.deliver("tell", { to: "a/b", delayMs: 1_000, id: "reminder" });
    await actor.deliver("untell", { id: "reminder" });
    await actor.advance(5_000);
    expect(actor.sent).toEqual([]);
    for (const to of ["a/first", "a/second"])
      await actor.deliver("tell", { to, delayMs: 1_000, id: "reminder" });
    await actor.advance(5_000);
    expect(told(actor)).toEqual(["a/second"]);
  });

  test("has its time-out run from its leaving, when it is a request", async () => {
    await using actor = start();
    const asked = await actor.deliver("ask", {});
    await actor.advance(1_000);
    expect(actor.sent).toMatchObject([{ target: "a/b", wantsReply: true }]);
    expect(asked.answered).toBe(false);
    await actor.advance(200);
    expect(asked.replies).toEqual(["ACTOR_DEADLINE_EXCEEDED"]);
  });

  test("outlives a death with what is left of its delay, and leaves once", async () => {
    await using actor = start();
    await actor.deliver("tell", { to: "a/b", delayMs: 1_000 });
    await actor.advance(400);
    await die(actor);
    await actor.advance(599);
    expect(actor.sent).toEqual([]);
    await actor.advance(1);
    expect(told(actor)).toEqual(["a/b"]);
    await die(actor);
    await actor.advance(5_000);
    expect(told(actor)).toEqual(["a/b"]);
  });

  test("that is taken back stays so through a death", async () => {
    await using actor = start();
    await actor.deliver("tell", { to: "a/b", delayMs: 1_000, id: "reminder" });
    await die(actor);
    await actor.deliver("untell", { id: "reminder" });
    await die(actor);
    await actor.advance(5_000);
    expect(actor.sent).toEqual([]);
  });

  const one = { go: intent({}) };
  test.each([
    ["a name without a delay", { id: "n" }, "an `id` is of use with `delayMs` only"],
    ["a delay that is no number", { delayMs: Number.NaN }, "delayMs"],
    ["a delay that no timer holds", { delayMs: 2 ** 31 }, "is beyond"],
    ["what JSON does not hold", { delayMs: 1, payload: 1n }, "bigint"],
  ])("fails its actor with %s", async (_what, options, why) => {
    const failing = defineActor({
      machine: setup({ types: { events: {} as IntentEvents<typeof one> } }).createMachine({
        on: { go: { actions: send({ target: "a/b", intent: "x", ...options }) } },
      }),
      intents: one,
    });
    await using actor = testActor(failing, { durable });
    await actor.deliver("go", {});
    expect(await actor.host.exited).toMatchObject({
      kind: "failed",
      failure: { message: expect.stringContaining(why) },
    });
  });
});

test.each(["crash before", "crash after"] as const)(
  "a durable actor whose process dies as such an intent is to leave (%s its commit) sends it once",
  async (fault) => {
    await using actor = testActor(behaviour, { durable: true });
    await actor.deliver("tell", { to: "a/b", delayMs: 1_000 });
    actor.failCommit(fault);
    await actor.advance(1_000);
    expect(actor.sent).toEqual([]);
    await actor.restart();
    await actor.advance(5_000);
    expect(told(actor)).toEqual(["a/b"]);
  },
);
