import { AsyncResource } from "node:async_hooks";
import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";

const intents = {
  say: intent({ payload: z.object({ text: z.string() }), reply: z.object({ count: z.int() }) }),
  stray: intent({ payload: z.object({ how: z.enum(["throw", "reject"]) }) }),
};

// Of the moment at which this file is loaded: a node that starts loads it for no actor.
const outside = AsyncResource.bind((how: "throw" | "reject") => {
  setImmediate(() => {
    if (how === "throw") throw new Error("nobody's throw");
    void Promise.reject(new Error("nobody's rejection"));
  });
});

const machine = setup({
  types: {
    context: {} as { readonly count: number },
    events: {} as IntentEvents<typeof intents>,
  },
}).createMachine({
  context: { count: 0 },
  on: {
    say: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        reply(({ context }) => ({ count: context.count })),
      ],
    },
    stray: { actions: ({ event }) => outside(event.payload.how) },
  },
});

/** Counts, and fails on demand where nobody can say whose code it was. */
export const outsider = defineActor({ machine, intents });
