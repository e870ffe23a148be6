import {
  defineActor,
  type IntentEvents,
  intent,
  type ReplyEvent,
  type RequestErrorEvent,
  refuse,
  reply,
  request,
  send,
} from "cell0";
import { setup } from "xstate";
import { z } from "zod";

const order = z.object({ target: z.string(), capability: z.string().optional() });
const intents = {
  /** In the stead of who handed it the capability. */
  ask: intent({
    payload: order.extend({ text: z.string() }),
    reply: z.object({ heard: z.string() }),
  }),
  enter: intent({
    payload: order.extend({ entry: z.int(), delayMs: z.int().default(0) }),
    reply: z.object({ entry: z.int() }),
  }),
};

type Events =
  | IntentEvents<typeof intents>
  | ReplyEvent<"heard", { readonly text: string }>
  | RequestErrorEvent<"failed">;

const held = (capability: string | undefined) => (capability === undefined ? {} : { capability });

const machine = setup({ types: { events: {} as Events } }).createMachine({
  on: {
    ask: {
      actions: request(({ event: { payload, intent: asked } }) => ({
        target: payload.target,
        intent: "say",
        payload: { text: payload.text },
        ...held(payload.capability),
        timeoutMs: 20_000,
        onReply: "heard",
        onError: "failed",
        ref: asked.id,
      })),
    },
    enter: {
      actions: [
        send(({ event: { payload } }) => ({
          target: payload.target,
          intent: "enter",
          payload: { entry: payload.entry },
          ...held(payload.capability),
          timeoutMs: 60_000,
          ...(payload.delayMs === 0 ? {} : { delayMs: payload.delayMs }),
        })),
        reply(({ event }) => ({ entry: event.payload.entry })),
      ],
    },
    heard: {
      actions: reply(({ event }) => ({ heard: event.payload.text }), { to: ({ event }) => event.ref ?? "" }),
    },
    failed: {
      actions: refuse(({ event }) => ({ message: event.error.code }), { to: ({ event }) => event.ref ?? "" }),
    },
  },
});

/** May do nothing by itself, and acts under the capabilities that it is handed. */
export const envoy = defineActor({ machine, intents });
