import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";
import { outcome } from "./tickets.ts";

const summary = z.object({
  tickets: z.int(),
  escalated: z.int(),
  byCategory: z.record(z.string(), z.int()),
  byQueue: z.record(z.string(), z.int()),
  byUrgency: z.record(z.string(), z.int()),
});

const intents = {
  "outcome.add": intent({ payload: outcome }),
  "report.get": intent({ reply: summary }),
};

type Counts = Record<string, number>;
const counted = (counts: Counts, key: string): Counts => ({ ...counts, [key]: (counts[key] ?? 0) + 1 });

const machine = setup({
  types: { context: {} as z.infer<typeof summary>, events: {} as IntentEvents<typeof intents> },
}).createMachine({
  context: { tickets: 0, escalated: 0, byCategory: {}, byQueue: {}, byUrgency: {} },
  on: {
    "outcome.add": {
      actions: assign(({ context, event: { payload } }) => ({
        tickets: context.tickets + 1,
        escalated: context.escalated + (payload.escalated ? 1 : 0),
        byCategory: counted(context.byCategory, payload.category),
        byQueue: counted(context.byQueue, payload.queue),
        byUrgency: counted(context.byUrgency, payload.urgency),
      })),
    },
    "report.get": { actions: reply(({ context }) => context) },
  },
});

/** Counts what the desk did. */
export const report = defineActor({ machine, intents });
