import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { setup } from "xstate";
import { z } from "zod";
import { draftAnswer } from "./answers.ts";
import { assessment, ticket } from "./tickets.ts";

const intents = {
  "answer.draft": intent({
    payload: z.object({ ticket, assessment }),
    reply: z.object({ text: z.string() }),
  }),
};

const machine = setup({ types: { events: {} as IntentEvents<typeof intents> } }).createMachine({
  on: {
    "answer.draft": {
      actions: reply(({ event }) => ({ text: draftAnswer(event.payload.ticket, event.payload.assessment) })),
    },
  },
});

/** Drafts the first answer to a customer. */
export const drafting = defineActor({ machine, intents });
