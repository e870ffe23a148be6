import { expectTypeOf, test } from "vitest";
import { assign, createMachine, setup } from "xstate";
import { z } from "zod";
import {
  defineActor,
  type IntentEvents,
  type IntentMeta,
  intent,
  log,
  type ReplyEvent,
  type RequestErrorEvent,
  refuse,
  reply,
  request,
  send,
} from "../../src/index.ts";

const intents = {
  greet: intent({ payload: z.object({ name: z.string() }), reply: z.object({ text: z.string() }) }),
  "count.reset": intent(),
};
type Events = IntentEvents<typeof intents>;
type Greet = Extract<Events, { type: "greet" }>;

test("an intent's payload type reaches the machine's event", () => {
  expectTypeOf<Greet["payload"]>().toEqualTypeOf<{ name: string }>();
  expectTypeOf<Events["type"]>().toEqualTypeOf<"greet" | "count.reset">();
  expectTypeOf<Greet["intent"]>().toExtend<IntentMeta>();
});

test("the actions fit inline lists without casts, and see context and event", () => {
  const machine = setup({
    types: {
      context: {} as { count: number },
      events: {} as Events | ReplyEvent<"quoted", { price: number }> | RequestErrorEvent<"quote.failed">,
      input: {} as { from: number },
    },
  }).createMachine({
    context: ({ input }) => ({ count: input.from }),
    on: {
      greet: {
        actions: [
          assign({ count: ({ context }) => context.count + 1 }),
          reply(({ event, context }) => {
            expectTypeOf(event.payload.name).toEqualTypeOf<string>();
            expectTypeOf(context.count).toEqualTypeOf<number>();
            return { text: event.payload.name };
          }),
          send(({ event }) => ({ target: "a/b", intent: "x", payload: event.payload })),
          send({ target: "a/b", intent: "x" }),
          request(({ event }) => ({
            target: "a/b",
            intent: "quote",
            payload: event.payload,
            onReply: "quoted",
            onError: "quote.failed",
          })),
          log(({ event }) => event.payload.name),
          log("fixed", "warn"),
        ],
      },
      quoted: {
        actions: reply(({ event }) => ({ any: event.payload.price }), {
          to: ({ context }) => String(context.count),
        }),
      },
      "quote.failed": { actions: refuse(({ event }) => ({ message: event.error.message }), { to: "id" }) },
    },
  });
  const behaviour = defineActor({ machine, intents });
  expectTypeOf(behaviour.machine).toEqualTypeOf<typeof machine>();
});

test("the actions fit setup, with parameters", () => {
  const machine = setup({
    types: { context: {} as { count: number }, events: {} as Events },
    actions: {
      answer: reply((_, params: { text: string }) => ({ text: params.text })),
      note: log(({ context }) => `${context.count}`),
    },
  }).createMachine({
    context: { count: 0 },
    on: {
      greet: { actions: [{ type: "answer", params: ({ event }) => ({ text: event.payload.name }) }, "note"] },
    },
  });
  defineActor({ machine, intents });
});

test("machines with an emitted type of their own take the actions too", () => {
  setup({
    types: { events: {} as Events, emitted: {} as { type: "mine" } },
  }).createMachine({ on: { greet: { actions: [reply(() => ({ text: "x" }))] } } });
});

test("a reply of the wrong type does not compile", () => {
  setup({ types: { events: {} as Events } }).createMachine({
    on: {
      greet: {
        actions: [
          // @ts-expect-error `text` is a string
          reply(() => ({ text: 1 })),
        ],
      },
    },
  });
});

test("a machine with another payload type does not compile", () => {
  const machine = setup({
    types: {
      events: {} as
        | { type: "greet"; payload: { name: number }; intent: IntentMeta }
        | { type: "count.reset" },
    },
  }).createMachine({});
  // @ts-expect-error the machine takes a number for `name`
  defineActor({ machine, intents });
});

test("a machine that lacks a declared intent does not compile", () => {
  const machine = setup({ types: { events: {} as Greet } }).createMachine({});
  // @ts-expect-error the machine does not know "count.reset"
  defineActor({ machine, intents });
});

test("a machine without declared events takes any intents", () => {
  defineActor({ machine: createMachine({}), intents });
});

test("a later reply is not held to the schema of the intent in hand, and its id may come from context or event", () => {
  setup({
    types: {
      context: {} as { id: string },
      events: {} as Events | { type: "ready"; value: number; id: string },
    },
  }).createMachine({
    context: { id: "" },
    on: {
      greet: {
        actions: [reply(() => 5, { to: ({ event, context }) => event.intent.id + context.id, final: false })],
      },
      ready: { actions: reply(({ event }) => event.value, { to: ({ event }) => event.id, final: false }) },
      "count.reset": {
        actions: [reply(() => "freed", { to: "id" }), reply(() => "x", { final: false, to: "id" })],
      },
    },
  });
});
