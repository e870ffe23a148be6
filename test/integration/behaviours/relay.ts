import {
  defineActor,
  type IntentEvents,
  intent,
  type ReplyEvent,
  type RequestErrorEvent,
  refuse,
  reply,
  request,
} from "cell0";
import { setup } from "xstate";
import { z } from "zod";

const intents = {
  relay: intent({
    payload: z.object({ target: z.string(), text: z.string() }),
    reply: z.object({ heard: z.string() }),
  }),
};

type Events =
  | IntentEvents<typeof intents>
  | ReplyEvent<"heard", { readonly text: string }>
  | RequestErrorEvent<"failed">;

const machine = setup({ types: { events: {} as Events } }).createMachine({
  on: {
    relay: {
      actions: request(({ event }) => ({
        target: event.payload.target,
        intent: "say",
        payload: { text: event.payload.text },
        timeoutMs: 3_000,
        onReply: "heard",
        onError: "failed",
        ref: event.intent.id,
      })),
    },
    heard: {
      actions: reply(({ event }) => ({ heard: event.payload.text }), { to: ({ event }) => event.ref ?? "" }),
    },
    failed: {
      actions: refuse(({ event }) => ({ message: event.error.code }), { to: ({ event }) => event.ref ?? "" }),
    },
  },
});

/** Says something to another actor and tells what came back. */
export const relay = defineActor({ machine, intents });
