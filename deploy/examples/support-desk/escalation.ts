import { defineActor, type IntentEvents, intent, log, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";
import { assessment, ticket } from "./tickets.ts";

const page = z.object({ id: z.string(), subject: z.string(), category: z.string(), customer: z.string() });

const intents = {
  "ticket.escalate": intent({ payload: z.object({ ticket, assessment }) }),
  "escalations.list": intent({ reply: z.object({ pages: z.array(page) }) }),
};

/** Pages kept; older ones are the archive's. */
const KEPT = 100;

const machine = setup({
  types: {
    context: {} as { pages: z.infer<typeof page>[] },
    events: {} as IntentEvents<typeof intents>,
  },
}).createMachine({
  context: { pages: [] },
  on: {
    "ticket.escalate": {
      actions: [
        assign({
          pages: ({ context, event: { payload } }) => {
            const { id, subject, customer } = payload.ticket;
            const added = { id, subject, category: payload.assessment.category, customer: customer.name };
            return [...context.pages, added].slice(-KEPT);
          },
        }),
        log(({ event }) => `paging the person on duty for ${event.payload.ticket.id}`, "warn"),
      ],
    },
    "escalations.list": { actions: reply(({ context }) => ({ pages: context.pages })) },
  },
});

/** Pages a person for what cannot wait. */
export const escalation = defineActor({ machine, intents });
