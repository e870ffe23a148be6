// One module for all isolations: what it does must not depend on where it runs.
import {
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
} from "cell0";
import { assign, fromCallback, fromPromise, setup } from "xstate";
import { z } from "zod";

const intents = {
  add: intent({ payload: z.strictObject({ n: z.number() }), reply: z.object({ total: z.number() }) }),
  quiet: intent({ payload: z.strictObject({ text: z.string() }) }),
  stream: intent({ payload: z.strictObject({ parts: z.int() }), reply: z.number() }),
  refuse: intent(),
  misreply: intent({ reply: z.object({ total: z.number() }) }),
  ask: intent({
    payload: z.object({ target: z.string(), timeoutMs: z.number().default(1000) }),
    reply: z.unknown(),
  }),
  tell: intent({ payload: z.object({ target: z.string() }) }),
  later: intent({ payload: z.object({ ms: z.number() }), reply: z.string() }),
  work: intent({ payload: z.object({ text: z.string() }), reply: z.string() }),
  tick: intent({ reply: z.number() }),
  say: intent({ payload: z.object({ text: z.string() }) }),
  bytes: intent({ payload: z.instanceof(Uint8Array), reply: z.instanceof(Uint8Array) }),
  never: intent({ reply: z.string() }),
  finish: intent(),
  "crash.action": intent(),
  "crash.guard": intent(),
  "crash.assign": intent(),
  "crash.promise": intent(),
  "crash.stray": intent(),
  "crash.timer": intent(),
  spin: intent(),
  exit: intent(),
  hoard: intent(),
};

type Context = { total: number; ticks: number; open: string };
type Events =
  | IntentEvents<typeof intents>
  | ReplyEvent<"answered">
  | RequestErrorEvent<"failed">
  | { readonly type: "ticked" };

const boom = (text: string): never => {
  throw new TypeError(text);
};

const machine = setup({
  types: { context: {} as Context, events: {} as Events, input: {} as { start?: number } | null },
  actors: {
    shout: fromPromise<string, string>(async ({ input }) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return input === "boom" ? boom("promise") : input.toUpperCase();
    }),
    ticking: fromCallback(({ sendBack }) => {
      const timer = setInterval(() => sendBack({ type: "ticked" }), 5);
      return () => clearInterval(timer);
    }),
  },
  delays: { asked: ({ event }) => (event.type === "later" ? event.payload.ms : 0) },
}).createMachine({
  context: ({ input }) => ({ total: input?.start ?? 0, ticks: 0, open: "" }),
  initial: "idle",
  on: {
    bytes: { actions: reply(({ event }) => Uint8Array.from(event.payload).reverse()) },
    quiet: { actions: assign({ total: ({ context, event }) => context.total + event.payload.text.length }) },
    stream: {
      actions: [
        reply(() => 0, { final: false }),
        reply(() => 1, { final: false }),
        reply(({ event }) => event.payload.parts),
      ],
    },
    refuse: { actions: refuse({ message: "not today", remedy: "Come tomorrow." }) },
    misreply: { actions: reply(() => ({ total: "x" }) as never) },
    ask: {
      actions: request(({ event }) => ({
        target: event.payload.target,
        intent: "question",
        payload: { from: "desk" },
        timeoutMs: event.payload.timeoutMs,
        onReply: "answered",
        onError: "failed",
        ref: event.intent.id,
      })),
    },
    tell: {
      actions: send(({ event }) => ({
        target: event.payload.target,
        intent: "news",
        payload: { hot: true },
      })),
    },
    answered: { actions: reply(({ event }) => event.payload, { to: ({ event }) => event.ref ?? "" }) },
    failed: {
      actions: refuse(({ event }) => ({ message: event.error.code }), { to: ({ event }) => event.ref ?? "" }),
    },
    say: { actions: log(({ event }) => event.payload.text, "warn") },
    never: {},
    finish: ".done",
    "crash.action": { actions: () => boom("action") },
    "crash.guard": { guard: () => boom("guard"), actions: () => {} },
    "crash.assign": { actions: assign({ total: () => boom("assign") }) },
    "crash.stray": { actions: () => void Promise.reject(new TypeError("stray")) },
    "crash.timer": { actions: () => void setTimeout(() => boom("timer"), 1) },
    spin: {
      actions: () => {
        for (;;);
      },
    },
    exit: { actions: () => process.exit(7) },
    hoard: {
      actions: () => {
        const kept: unknown[] = [];
        for (;;)
          kept.push({
            text: `${kept.length}`.repeat(100),
            more: Array.from({ length: 100 }, () => kept.length),
          });
      },
    },
  },
  states: {
    idle: {
      on: {
        add: {
          actions: [
            assign({ total: ({ context, event }) => context.total + event.payload.n }),
            reply(({ context }) => ({ total: context.total })),
          ],
        },
        later: { target: "waiting", actions: assign({ open: ({ event }) => event.intent.id }) },
        work: { target: "working", actions: assign({ open: ({ event }) => event.intent.id }) },
        "crash.promise": { target: "working", actions: assign({ open: "" }) },
        tick: { target: "counting", actions: assign({ open: ({ event }) => event.intent.id, ticks: 0 }) },
      },
    },
    waiting: {
      after: {
        asked: { target: "idle", actions: reply(() => "late", { to: ({ context }) => context.open }) },
      },
    },
    working: {
      invoke: {
        src: "shout",
        input: ({ event }) => (event.type === "work" ? event.payload.text : "boom"),
        onDone: {
          target: "idle",
          actions: reply(({ event }) => event.output, { to: ({ context }) => context.open }),
        },
      },
    },
    counting: {
      invoke: { src: "ticking" },
      on: {
        ticked: [
          {
            guard: ({ context }) => context.ticks >= 2,
            target: "idle",
            actions: reply(({ context }) => context.ticks + 1, { to: ({ context }) => context.open }),
          },
          { actions: assign({ ticks: ({ context }) => context.ticks + 1 }) },
        ],
      },
    },
    done: { type: "final" },
  },
});

export const desk = defineActor({ machine, intents });
