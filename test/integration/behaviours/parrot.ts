import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";

const intents = {
  say: intent({
    payload: z.strictObject({ text: z.string().max(60_000) }),
    reply: z.object({ text: z.string(), count: z.int() }),
  }),
  crash: intent({ payload: z.strictObject({ message: z.string() }) }),
};

const machine = setup({
  types: {
    context: {} as { readonly prefix: string; readonly count: number },
    input: {} as { readonly prefix: string } | null,
    events: {} as IntentEvents<typeof intents>,
  },
}).createMachine({
  context: ({ input }) => ({ prefix: input?.prefix ?? "", count: 0 }),
  on: {
    say: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        reply(({ context, event }) => ({ text: context.prefix + event.payload.text, count: context.count })),
      ],
    },
    crash: {
      actions: [
        // Not to be seen after the restart: the last good snapshot is from before.
        assign({ count: 1_000 }),
        ({ event }) => {
          throw new Error(event.payload.message);
        },
      ],
    },
  },
});

/** Repeats what it is told, counts, and crashes when asked to. */
export const parrot = defineActor({ machine, intents });
