import { expect, test } from "vitest";
import { assign, fromPromise, setup } from "xstate";
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
} from "../../src/index.ts";
import { testActor } from "../../src/testkit.ts";

const intents = {
  greet: intent({
    payload: z.object({ name: z.string() }),
    reply: z.object({ text: z.string(), at: z.number() }),
  }),
  quote: intent({ payload: z.object({ item: z.string() }), reply: z.object({ price: z.number() }) }),
  slow: intent({ reply: z.object({ rolled: z.number() }) }),
  note: intent({ payload: z.object({ text: z.string() }) }),
};

type Events =
  | IntentEvents<typeof intents>
  | ReplyEvent<"quoted", { price: number }>
  | RequestErrorEvent<"unquoted">;

const machine = setup({
  types: {
    context: {} as { greeting: string; asked: string },
    events: {} as Events,
    input: {} as { greeting: string },
  },
  actors: { roll: fromPromise(async () => 7) },
}).createMachine({
  context: ({ input }) => ({ greeting: input.greeting, asked: "" }),
  initial: "idle",
  on: {
    greet: {
      actions: reply(({ context, event }) => ({
        text: `${context.greeting}, ${event.payload.name}`,
        at: Date.now(),
      })),
    },
    note: {
      actions: [
        log(({ event }) => event.payload.text, "warn"),
        send({ target: "report/daily", intent: "noted" }),
      ],
    },
    quote: {
      actions: [
        assign({ asked: ({ event }) => event.intent.id }),
        request(({ event }) => ({
          target: "shop/prices",
          intent: "price",
          payload: event.payload,
          timeoutMs: 1000,
          onReply: "quoted",
          onError: "unquoted",
        })),
      ],
    },
    quoted: { actions: reply(({ event }) => event.payload, { to: ({ context }) => context.asked }) },
    unquoted: {
      actions: refuse(({ event }) => ({ message: event.error.code }), { to: ({ context }) => context.asked }),
    },
  },
  states: {
    idle: { on: { slow: "waiting" } },
    waiting: { after: { 60000: "rolling" } },
    rolling: {
      invoke: {
        src: "roll",
        onDone: { target: "idle", actions: reply(({ event }) => ({ rolled: event.output })) },
      },
    },
  },
});
const shop = defineActor({ machine, intents });

test("a request is answered, in virtual time", async () => {
  await using actor = testActor(shop, { input: { greeting: "Hello" }, startUnixMs: 1000 });
  expect(await actor.request("greet", { name: "Ada" })).toEqual({ text: "Hello, Ada", at: 1000 });
  await actor.advance(500);
  expect(await actor.request("greet", { name: "Bob" })).toEqual({ text: "Hello, Bob", at: 1500 });
});

test("what the actor sends and logs is recorded, and its requests are answered by the test", async () => {
  await using actor = testActor(shop, { input: { greeting: "Hello" } });
  expect(await actor.request("note", { text: "careful" })).toEqual({});
  expect(actor.logs).toEqual([{ level: "warn", message: "careful" }]);
  expect(actor.sent).toMatchObject([
    { target: "report/daily", intent: "noted", payload: {}, wantsReply: false },
  ]);

  const asked = await actor.deliver("quote", { item: "tea" });
  expect(asked.answered).toBe(false);
  const [, price] = actor.sent;
  if (price === undefined) throw new Error("no request was sent");
  expect(price).toMatchObject({
    intent: "price",
    payload: { item: "tea" },
    timeoutMs: 1000,
    wantsReply: true,
  });
  await actor.deliverReply(price, { price: 3 });
  expect(asked).toMatchObject({ answered: true, replies: [{ price: 3 }] });
});

test("a request that nobody answers ends in its time-out, and one that fails in its error", async () => {
  await using actor = testActor(shop, { input: { greeting: "Hello" } });
  const first = await actor.deliver("quote", { item: "tea" });
  await actor.advance(999);
  expect(first.answered).toBe(false);
  await actor.advance(1);
  expect(first.error).toMatchObject({ code: "ACTOR_REFUSED", message: "ACTOR_DEADLINE_EXCEEDED" });

  const second = await actor.deliver("quote", { item: "tea" });
  const sent = actor.sent.at(-1);
  if (sent === undefined) throw new Error("no request was sent");
  await actor.deliverError(sent, new CellError("ACTOR_NOT_FOUND"));
  expect(second.error).toMatchObject({ code: "ACTOR_REFUSED", message: "ACTOR_NOT_FOUND" });
});

test("timers fire at their virtual time, promises settle, and the late reply finds its request", async () => {
  await using actor = testActor(shop, { input: { greeting: "Hello" } });
  const asked = await actor.deliver("slow", {}, { timeoutMs: 120_000 });
  expect(actor.state).toBe("waiting");
  await actor.advance(59_999);
  expect(actor.state).toBe("waiting");
  await actor.advance(1);
  expect(actor.state).toBe("idle");
  expect(asked.replies).toEqual([{ rolled: 7 }]);
});

test("request moves time on until the answer, or the deadline", async () => {
  await using actor = testActor(shop, { input: { greeting: "Hello" } });
  expect(await actor.request("slow", {}, { timeoutMs: 90_000 })).toEqual({ rolled: 7 });
  await expect(actor.request("slow", {})).rejects.toMatchObject({ code: "ACTOR_DEADLINE_EXCEEDED" });
});

test("the same seed makes the same run", async () => {
  const dice = defineActor({
    machine: setup({}).createMachine({ on: { roll: { actions: reply(() => Math.random()) } } }),
    intents: { roll: intent({ reply: z.number() }) },
  });
  const roll = async (seed: number): Promise<number> => {
    await using actor = testActor(dice, { seed });
    return await actor.request("roll", {});
  };
  expect(await roll(5)).toBe(await roll(5));
  expect(await roll(5)).not.toBe(await roll(6));
});

test("a restart goes on from the last good snapshot, with its timers", async () => {
  await using actor = testActor(shop, { input: { greeting: "Hello" } });
  await actor.deliver("slow", {});
  await actor.advance(30_000);
  await actor.restart();
  expect(actor.state).toBe("waiting");
  await actor.advance(29_999);
  expect(actor.state).toBe("waiting");
  await actor.advance(1);
  expect(actor.state).toBe("idle");
});
