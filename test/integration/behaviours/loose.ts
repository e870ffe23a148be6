import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";

const intents = {
  say: intent({ payload: z.object({ text: z.string() }), reply: z.object({ count: z.int() }) }),
  spin: intent(),
  hoard: intent(),
  buffers: intent(),
  exit: intent(),
};

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
    spin: {
      actions: () => {
        for (;;);
      },
    },
    hoard: {
      actions: () => {
        const kept: unknown[] = [];
        for (;;) kept.push(Array.from({ length: 1_000 }, () => ({ kept: kept.length })));
      },
    },
    buffers: {
      actions: () => {
        const kept: Buffer[] = [];
        for (;;) kept.push(Buffer.alloc(8 * 1024 * 1024, 1));
      },
    },
    exit: { actions: () => process.exit(3) },
  },
});

/** Counts, and does on demand what no actor should. */
export const loose = defineActor({ machine, intents });
