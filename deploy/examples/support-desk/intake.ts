// Leads each ticket through the desk: triage, routing, draft, and a page to a
// person where it must be. Many tickets are under way at once; each is known by
// its intent's id.
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
import { assign, enqueueActions, setup } from "xstate";
import { type Assessment, type Outcome, outcome, type Queue, type Ticket, ticket } from "./tickets.ts";

const intents = {
  "ticket.open": intent({
    payload: ticket,
    reply: outcome,
    description: "Takes a ticket and answers with what became of it.",
  }),
};

type Case = {
  readonly ticket: Ticket;
  readonly assessment?: Assessment;
  readonly queue?: Queue;
  readonly escalated?: boolean;
};

type Events =
  | IntentEvents<typeof intents>
  | ReplyEvent<"assessed", Assessment>
  | ReplyEvent<"routed", { queue: Queue; escalate: boolean }>
  | ReplyEvent<"drafted", { text: string }>
  | RequestErrorEvent<"step.failed">;

/** The case that an answer belongs to, by the reference that went along with the request. */
function caseOf(cases: Readonly<Record<string, Case>>, ref: string | undefined): Case {
  const found = cases[ref ?? ""];
  if (found === undefined) throw new Error(`no case ${ref}`);
  return found;
}

function without(cases: Readonly<Record<string, Case>>, ref: string | undefined): Record<string, Case> {
  const { [ref ?? ""]: _closed, ...rest } = cases;
  return rest;
}

function outcomeOf({ ticket: { id }, assessment, queue, escalated }: Case, answer: string): Outcome {
  if (assessment === undefined || queue === undefined) throw new Error(`case ${id} is not complete`);
  const { category, urgency } = assessment;
  return { id, category, urgency, queue, escalated: escalated === true, answer };
}

const machine = setup({
  types: { context: {} as { cases: Record<string, Case> }, events: {} as Events },
}).createMachine({
  context: { cases: {} },
  on: {
    "ticket.open": {
      actions: [
        assign({
          cases: ({ context, event }) => ({ ...context.cases, [event.intent.id]: { ticket: event.payload } }),
        }),
        request(({ event }) => ({
          target: "support/triage",
          intent: "ticket.assess",
          payload: { ticket: event.payload },
          onReply: "assessed",
          onError: "step.failed",
          ref: event.intent.id,
        })),
      ],
    },
    assessed: {
      actions: [
        assign({
          cases: ({ context, event: { ref = "", payload } }) => ({
            ...context.cases,
            [ref]: { ...caseOf(context.cases, ref), assessment: payload },
          }),
        }),
        request(({ event: { ref = "", payload } }) => ({
          target: "support/routing",
          intent: "ticket.route",
          payload: { assessment: payload },
          onReply: "routed",
          onError: "step.failed",
          ref,
        })),
      ],
    },
    routed: {
      actions: [
        assign({
          cases: ({ context, event: { ref = "", payload } }) => ({
            ...context.cases,
            [ref]: { ...caseOf(context.cases, ref), queue: payload.queue, escalated: payload.escalate },
          }),
        }),
        enqueueActions(({ context, event: { ref = "", payload }, enqueue }) => {
          const { ticket, assessment } = caseOf(context.cases, ref);
          const about = { ticket, assessment };
          if (payload.escalate) {
            enqueue(
              send({
                target: "support/escalation",
                intent: "ticket.escalate",
                payload: about,
                priority: "high",
              }),
            );
          }
          enqueue(
            request({
              target: "support/drafting",
              intent: "answer.draft",
              payload: about,
              onReply: "drafted",
              onError: "step.failed",
              ref,
            }),
          );
        }),
      ],
    },
    drafted: {
      actions: [
        reply(({ context, event }) => outcomeOf(caseOf(context.cases, event.ref), event.payload.text), {
          to: ({ event }) => event.ref ?? "",
        }),
        send(({ context, event }) => ({
          target: "support/report",
          intent: "outcome.add",
          payload: outcomeOf(caseOf(context.cases, event.ref), event.payload.text),
        })),
        assign({ cases: ({ context, event }) => without(context.cases, event.ref) }),
      ],
    },
    "step.failed": {
      actions: [
        refuse(
          ({ event }) => ({
            message: `a step of the desk failed: ${event.error.code} ${event.error.message}`,
          }),
          {
            to: ({ event }) => event.ref ?? "",
          },
        ),
        assign({ cases: ({ context, event }) => without(context.cases, event.ref) }),
      ],
    },
  },
});

/** The desk's front door. */
export const intake = defineActor({ machine, intents });
