import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";

const intents = {
  work: intent({
    payload: z.object({ ms: z.int(), label: z.string().default("") }),
    reply: z.object({ done: z.array(z.string()) }),
  }),
};

const machine = setup({
  types: {
    context: {} as { readonly ms: number; readonly request: string; readonly done: readonly string[] },
    events: {} as IntentEvents<typeof intents>,
  },
  delays: { work: ({ context }) => context.ms },
}).createMachine({
  context: { ms: 0, request: "", done: [] },
  initial: "idle",
  states: {
    idle: {
      on: {
        work: {
          target: "busy",
          actions: assign({
            ms: ({ event }) => event.payload.ms,
            request: ({ event }) => event.intent.id,
            done: ({ context, event }) => [...context.done, event.payload.label],
          }),
        },
      },
    },
    busy: {
      after: {
        work: {
          target: "idle",
          actions: reply(({ context }) => ({ done: [...context.done] }), {
            to: ({ context }) => context.request,
          }),
        },
      },
    },
  },
});

/** Works on one thing at a time, for as long as it is told; the rest waits in its mailbox. */
export const worker = defineActor({ machine, intents, ready: (snapshot) => snapshot.matches("idle") });
