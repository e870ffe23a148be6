// What benchmarks ask: an actor that counts those whom it greets.
import { assign, setup } from "xstate";
import { z } from "zod";
import { defineActor, type IntentEvents, intent, reply } from "../src/index.ts";
import type { ActorSpec } from "../src/manifest/graph.ts";

const intents = {
  greet: intent({
    payload: z.object({ name: z.string().min(1).max(100) }),
    reply: z.object({ text: z.string(), count: z.int() }),
  }),
};
const machine = setup({
  types: { context: {} as { count: number }, events: {} as IntentEvents<typeof intents> },
}).createMachine({
  context: { count: 0 },
  on: {
    greet: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        reply(({ context, event }) => ({ text: `Hello, ${event.payload.name}!`, count: context.count })),
      ],
    },
  },
});

/** Its version: so a long benchmark goes on though a source of this package is changed meanwhile. */
export const greeter = defineActor({ machine, intents, version: 1 });

/** Its mailbox holds 10,000. */
export const greeterSpec = (path: string, durable = false): ActorSpec => ({
  kind: "actor",
  path,
  behaviour: { module: "", export: "" },
  input: null,
  restart: "permanent",
  shutdownMs: 1_000,
  isolation: "shared",
  durable,
  mailbox: { bound: 10_000, whenFull: "refuse" },
  intents: {},
  grants: [],
  placement: {},
});
