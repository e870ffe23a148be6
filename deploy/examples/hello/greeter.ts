import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";

const intents = {
  greet: intent({
    payload: z.object({ name: z.string().min(1).max(100) }),
    reply: z.object({ text: z.string(), count: z.int() }),
  }),
};

const machine = setup({
  types: {
    context: {} as { greeting: string; count: number },
    input: {} as { greeting: string },
    events: {} as IntentEvents<typeof intents>,
  },
}).createMachine({
  context: ({ input }) => ({ greeting: input.greeting, count: 0 }),
  on: {
    greet: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        reply(({ context, event }) => ({
          text: `${context.greeting}, ${event.payload.name}!`,
          count: context.count,
        })),
      ],
    },
  },
});

/** Greets whoever asks, and counts. */
export const greeter = defineActor({ machine, intents });
