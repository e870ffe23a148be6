import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { assign, fromPromise, setup } from "xstate";
import { z } from "zod";

const intents = {
  /** Throws on some payloads, as code that nobody tested does. */
  price: intent({ payload: z.object({ item: z.string() }), reply: z.object({ price: z.number() }) }),
  /** Rejects where nobody listens. */
  fetch: intent({ payload: z.object({ item: z.string() }), reply: z.object({ price: z.number() }) }),
  count: intent({ reply: z.object({ served: z.number() }) }),
  learn: intent({ payload: z.object({ item: z.string() }) }),
};

const machine = setup({
  types: {
    context: {} as { readonly served: number; readonly known: readonly string[]; readonly asked: string },
    events: {} as IntentEvents<typeof intents>,
  },
  actors: {
    fetching: fromPromise<void, { readonly item: string }>(async ({ input }) => {
      if (input.item === "nothing") throw new RangeError("no price for nothing");
    }),
  },
}).createMachine({
  context: { served: 0, known: ["tea", "coffee"], asked: "" },
  initial: "idle",
  on: {
    count: { actions: reply(({ context }) => ({ served: context.served })) },
    learn: { actions: assign({ known: ({ context, event }) => [...context.known, event.payload.item] }) },
    price: {
      actions: [
        assign({ served: ({ context }) => context.served + 1 }),
        reply(({ context, event }) => {
          const at = context.known.indexOf(event.payload.item);
          if (at < 0) throw new TypeError(`no price for ${event.payload.item}`);
          return { price: at + 1 };
        }),
      ],
    },
  },
  states: {
    idle: {
      on: { fetch: { target: "fetching", actions: assign({ asked: ({ event }) => event.intent.id }) } },
    },
    fetching: {
      invoke: {
        src: "fetching",
        input: ({ event }) => ({ item: event.type === "fetch" ? event.payload.item : "" }),
        onDone: {
          target: "idle",
          actions: reply(() => ({ price: 1 }), { to: ({ context }) => context.asked }),
        },
      },
    },
  },
});

/** A clerk that falls over what it does not know. */
export const clerk = defineActor({ machine, intents });
