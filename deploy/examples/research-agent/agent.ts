// Reads a document by http.fetch, asks its model what to do, does it call by call
// with the kernel's tools, and answers with what became of each.
import {
  defineActor,
  type HttpResponse,
  httpFetch,
  type IntentEvents,
  intent,
  type ReplyEvent,
  type RequestErrorEvent,
  refuse,
  reply,
  request,
} from "cell0";
import { assign, enqueueActions, setup } from "xstate";
import { z } from "zod";
import { type Call, callsOf, filledIn } from "./model.ts";

const outcome = z.object({
  intent: z.string(),
  target: z.string(),
  /** "done", or the error's code. */
  outcome: z.string(),
});
type Outcome = z.infer<typeof outcome>;

const intents = {
  "research.start": intent({
    payload: z.object({ url: z.url() }),
    reply: z.object({ outcomes: z.array(outcome), seen: z.string() }),
    description: "Reads a document and does what its model makes of it.",
  }),
};

type Work = {
  /** Id of the intent that is answered at the end. */
  readonly id: string;
  readonly todo: readonly Call[];
  readonly outcomes: readonly Outcome[];
  /** What the tools gave back, as text. */
  readonly seen: string;
  readonly last: string;
};

type Events =
  | IntentEvents<typeof intents>
  | ReplyEvent<"read", HttpResponse>
  | RequestErrorEvent<"unread">
  | ReplyEvent<"answered">
  | RequestErrorEvent<"refused">;

const idle: Work = { id: "", todo: [], outcomes: [], seen: "", last: "" };

/** The work after the call in hand has ended. */
function after(work: Work, how: string, gave: string): Work {
  const [done, ...todo] = work.todo;
  if (done === undefined) return work;
  const { intent: type, target } = done;
  const outcomes = [...work.outcomes, { intent: type, target, outcome: how }];
  return { ...work, todo, outcomes, last: gave, seen: `${work.seen}${gave}\n` };
}

const machine = setup({
  types: { context: {} as Work, events: {} as Events },
  guards: { isDone: ({ context }) => context.todo.length === 0 },
}).createMachine({
  context: idle,
  initial: "idle",
  states: {
    idle: {
      on: {
        "research.start": {
          target: "reading",
          actions: [
            assign(({ event }) => ({ ...idle, id: event.intent.id })),
            request(({ event }) =>
              httpFetch({ url: event.payload.url }, { onReply: "read", onError: "unread" }),
            ),
          ],
        },
      },
    },
    reading: {
      on: {
        read: {
          target: "working",
          actions: assign({
            todo: ({ event }) => callsOf(event.payload.content),
            last: ({ event }) => event.payload.content,
          }),
        },
        unread: {
          target: "idle",
          actions: refuse(({ event }) => ({ message: `${event.error.code}: ${event.error.message}` }), {
            to: ({ context }) => context.id,
          }),
        },
      },
    },
    working: {
      always: {
        guard: "isDone",
        target: "idle",
        actions: reply(({ context: { outcomes, seen } }) => ({ outcomes: [...outcomes], seen }), {
          to: ({ context }) => context.id,
        }),
      },
      entry: enqueueActions(({ context: { todo, last }, enqueue }) => {
        const [next] = todo;
        if (next === undefined) return;
        const answer = { timeoutMs: 10_000, onReply: "answered", onError: "refused" };
        enqueue(request({ ...filledIn(next, last), ...answer }));
      }),
      on: {
        answered: {
          target: "working",
          reenter: true,
          actions: assign(({ context, event }) => after(context, "done", JSON.stringify(event.payload))),
        },
        refused: {
          target: "working",
          reenter: true,
          actions: assign(({ context, event }) => after(context, event.error.code, event.error.message)),
        },
      },
    },
  },
});

/** One research at a time; further ones wait. */
export const agent = defineActor({ machine, intents, ready: (snapshot) => snapshot.matches("idle") });
