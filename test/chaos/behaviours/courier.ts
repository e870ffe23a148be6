// Durable actors that depend on each other: a forwarder sends each number on, a receiver
// keeps what it takes by who sent it, a timekeeper keeps what its timers brought. Each says
// what it keeps in the order in which it came about, and fails when it is told to.
import { AsyncResource } from "node:async_hooks";
import { defineActor, type IntentEvents, intent, reply, send } from "cell0";
import { assign, enqueueActions, fromCallback, setup } from "xstate";
import { z } from "zod";

/** Runs of numbers in the order kept, both ends included. */
const runs = z.array(z.tuple([z.int(), z.int()]));
type Runs = z.infer<typeof runs>;
const books = z.record(z.string(), runs);
type Books = Readonly<Record<string, Runs>>;

/** What the actor itself brought about by its timers, in its book of what it took. */
export const TIMERS = "timers";
/** Longer than a cell takes to come back from anything: a number is never given up. */
const FORWARD_MS = 600_000;

const intents = {
  forward: intent({
    payload: z.object({ n: z.int().min(0), to: z.string() }),
    reply: z.object({ n: z.int(), life: z.string() }),
  }),
  take: intent({ payload: z.object({ n: z.int(), source: z.string() }) }),
  arm: intent({
    payload: z.object({ n: z.int().min(0), delayMs: z.int().min(1) }),
    reply: z.object({ n: z.int(), life: z.string() }),
  }),
  ledger: intent({ reply: z.object({ life: z.string(), sent: books, taken: books }) }),
  /** What was judged: of one source, or all that was sent. */
  forget: intent({
    payload: z.object({ source: z.string().optional() }),
    reply: z.object({ life: z.string() }),
  }),
  fail: intent({
    payload: z.object({ how: z.enum(["throw", "unprovoked", "loop", "grow"]), life: z.string().optional() }),
    reply: z.object({ spared: z.boolean(), life: z.string() }),
  }),
};

type Context = { readonly life: string; readonly self: string; readonly sent: Books; readonly taken: Books };
type Arrived = { readonly type: "arrived"; readonly life: string };
type Explode = { readonly type: "explode" };
type Due = { readonly type: "due"; readonly n: number };

const alive = new Map<string, () => void>();

const strikes = ({ life }: { readonly life?: string | undefined }): boolean =>
  life === undefined || alive.has(life);

/** A number that follows on lengthens the last run; whatever else begins one of its own. */
export function entered(kept: Books, name: string, n: number): Books {
  const before = kept[name] ?? [];
  const last = before.at(-1);
  const after: Runs =
    last !== undefined && last[1] + 1 === n ? [...before.slice(0, -1), [last[0], n]] : [...before, [n, n]];
  return { ...kept, [name]: after };
}

function strike(how: string): void {
  if (how === "throw") throw new Error("chaos asked for a throw");
  for (const hoard: number[][] = []; how === "loop" || how === "grow"; ) {
    if (how === "grow") hoard.push(new Array<number>(100_000).fill(hoard.length));
  }
}

const machine = setup({
  types: {
    context: {} as Context,
    events: {} as IntentEvents<typeof intents> | Arrived | Explode | Due,
    input: {} as { readonly self: string },
  },
  actors: {
    /** Runs again in every incarnation: so a life is told from the one before. */
    live: fromCallback<Arrived | Explode>(({ sendBack }) => {
      const life = `${process.pid}.${Date.now().toString(36)}.${Math.random().toString(36).slice(2)}`;
      // Of the start, so that nothing leads from the failure to the intent that ordered it.
      const start = new AsyncResource("chaos");
      const explode = () => void setImmediate(() => sendBack({ type: "explode" }));
      alive.set(life, () => start.runInAsyncScope(explode));
      sendBack({ type: "arrived", life });
      return () => void alive.delete(life);
    }),
  },
  actions: {
    keepTaken: assign(({ context, event }) =>
      event.type === "take" ? { taken: entered(context.taken, event.payload.source, event.payload.n) } : {},
    ),
    keepFired: assign(({ context, event }) =>
      event.type === "due" ? { taken: entered(context.taken, TIMERS, event.n) } : {},
    ),
  },
}).createMachine({
  context: ({ input }) => ({ life: "", self: input.self, sent: {}, taken: {} }),
  invoke: { src: "live" },
  on: {
    arrived: { actions: assign({ life: ({ event }) => event.life }) },
    explode: {
      actions: () => {
        throw new Error("chaos asked for a throw that nobody caused");
      },
    },
    forward: {
      actions: [
        assign({ sent: ({ context, event }) => entered(context.sent, event.payload.to, event.payload.n) }),
        send(({ context, event }) => ({
          target: event.payload.to,
          intent: "take",
          payload: { n: event.payload.n, source: context.self },
          timeoutMs: FORWARD_MS,
        })),
        reply(({ context, event }) => ({ n: event.payload.n, life: context.life })),
      ],
    },
    take: { actions: "keepTaken" },
    arm: {
      actions: [
        enqueueActions(({ enqueue, event }) => {
          const { n, delayMs } = event.payload;
          enqueue.raise({ type: "due", n }, { delay: delayMs, id: `due-${n}` });
        }),
        reply(({ context, event }) => ({ n: event.payload.n, life: context.life })),
      ],
    },
    due: { actions: "keepFired" },
    ledger: {
      actions: reply(({ context: { life, sent, taken } }) => ({
        life,
        sent: { ...sent },
        taken: { ...taken },
      })),
    },
    forget: {
      actions: [
        assign(({ context, event: { payload } }) =>
          payload.source === undefined ? { sent: {} } : { taken: { ...context.taken, [payload.source]: [] } },
        ),
        reply(({ context }) => ({ life: context.life })),
      ],
    },
    fail: {
      actions: [
        assign(({ event }) => {
          if (strikes(event.payload)) strike(event.payload.how);
          return {};
        }),
        ({ context, event }) => {
          if (event.payload.how === "unprovoked" && strikes(event.payload)) alive.get(context.life)?.();
        },
        reply(({ context, event }) => ({ spared: !strikes(event.payload), life: context.life })),
      ],
    },
  },
});

/** Forwarder, receiver and timekeeper in one: which of them it is, is up to what it is told. */
export const courier = defineActor({ machine, intents });
