import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";
import { assessment, type Category, type Queue, queues } from "./tickets.ts";

const intents = {
  "ticket.route": intent({
    payload: z.object({ assessment }),
    reply: z.object({ queue: z.enum(queues), escalate: z.boolean() }),
  }),
  "queue.lengths": intent({ reply: z.record(z.enum(queues), z.int()) }),
};

const homes: Readonly<Record<Category, Queue>> = {
  outage: "incident",
  security: "security",
  legal: "legal",
  cancellation: "retention",
  billing: "billing",
  account: "technical",
  bug: "technical",
  feature: "general",
  question: "general",
};

const machine = setup({
  types: {
    context: {} as { lengths: Record<Queue, number> },
    events: {} as IntentEvents<typeof intents>,
  },
}).createMachine({
  context: {
    lengths: { incident: 0, security: 0, legal: 0, retention: 0, billing: 0, technical: 0, general: 0 },
  },
  on: {
    "ticket.route": {
      actions: [
        assign({
          lengths: ({ context, event }) => {
            const queue = homes[event.payload.assessment.category];
            return { ...context.lengths, [queue]: context.lengths[queue] + 1 };
          },
        }),
        reply(({ event }) => ({
          queue: homes[event.payload.assessment.category],
          escalate:
            event.payload.assessment.urgency === "critical" || event.payload.assessment.category === "legal",
        })),
      ],
    },
    "queue.lengths": { actions: reply(({ context }) => context.lengths) },
  },
});

/** Knows which queue serves what, and how long each has become. */
export const routing = defineActor({ machine, intents });
