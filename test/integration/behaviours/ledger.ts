import { defineActor, type IntentEvents, intent, reply, send } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";

const intents = {
  enter: intent({
    payload: z.object({ entry: z.int() }),
    reply: z.object({ entry: z.int(), count: z.int() }),
  }),
  read: intent({ reply: z.object({ entries: z.array(z.int()) }) }),
  forward: intent({
    payload: z.object({ target: z.string(), entry: z.int(), delayMs: z.int().default(0) }),
    reply: z.object({ entry: z.int() }),
  }),
  alarm: intent({
    payload: z.object({ entry: z.int(), delayMs: z.int() }),
    reply: z.object({ entry: z.int() }),
  }),
  crash: intent({ payload: z.object({ message: z.string() }) }),
};

const machine = setup({
  types: {
    context: {} as { readonly entries: readonly number[]; readonly armed: number; readonly delayMs: number },
    events: {} as IntentEvents<typeof intents>,
  },
  delays: { soon: ({ context }) => context.delayMs },
}).createMachine({
  context: { entries: [], armed: 0, delayMs: 0 },
  initial: "idle",
  states: {
    idle: {
      on: {
        alarm: {
          target: "armed",
          actions: [
            assign({
              armed: ({ event }) => event.payload.entry,
              delayMs: ({ event }) => event.payload.delayMs,
            }),
            reply(({ event }) => ({ entry: event.payload.entry })),
          ],
        },
      },
    },
    armed: {
      after: {
        soon: {
          target: "idle",
          actions: assign({ entries: ({ context }) => [...context.entries, context.armed] }),
        },
      },
    },
  },
  on: {
    enter: {
      actions: [
        assign({ entries: ({ context, event }) => [...context.entries, event.payload.entry] }),
        reply(({ context, event }) => ({ entry: event.payload.entry, count: context.entries.length })),
      ],
    },
    read: { actions: reply(({ context }) => ({ entries: [...context.entries] })) },
    forward: {
      actions: [
        send(({ event: { payload } }) => ({
          target: payload.target,
          intent: "enter",
          payload: { entry: payload.entry },
          timeoutMs: 60_000,
          ...(payload.delayMs === 0 ? {} : { delayMs: payload.delayMs }),
        })),
        reply(({ event }) => ({ entry: event.payload.entry })),
      ],
    },
    crash: {
      actions: ({ event }) => {
        throw new Error(event.payload.message);
      },
    },
  },
});

/** Writes down what it is told, once each. */
export const ledger = defineActor({ machine, intents });
