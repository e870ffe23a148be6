import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { setup } from "xstate";
import { z } from "zod";
import { classify } from "./classify.ts";
import { assessment, ticket } from "./tickets.ts";

const intents = {
  "ticket.assess": intent({ payload: z.object({ ticket }), reply: assessment }),
};

const machine = setup({ types: { events: {} as IntentEvents<typeof intents> } }).createMachine({
  on: { "ticket.assess": { actions: reply(({ event }) => classify(event.payload.ticket)) } },
});

/** Says what a ticket is about and how much it hurts. */
export const triage = defineActor({ machine, intents });
