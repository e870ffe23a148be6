// What a drill kills and asks again: an actor that keeps the numbers of all intents that
// it applied, says which of its lives answers, and fails in any way that it is told to.
import { AsyncResource } from "node:async_hooks";
import { writeSync } from "node:fs";
import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { assign, fromCallback, fromPromise, setup } from "xstate";
import { z } from "zod";

/** A run of numbers applied one after the other, both ends included. */
const range = z.tuple([z.int(), z.int()]);
type Range = z.infer<typeof range>;

/** Ranges kept; a judge reads and forgets them long before. */
const MAX_RANGES = 3_000;

const hows = ["throw", "reject", "stray", "unprovoked", "loop", "wait", "grow", "exit", "violate"] as const;

const intents = {
  count: intent({
    payload: z.object({ n: z.int().min(0) }),
    reply: z.object({ n: z.int(), life: z.string() }),
    description: "Applies a number: it is in the ledger from then on.",
  }),
  ledger: intent({
    reply: z.object({ life: z.string(), applied: z.array(range) }),
    description: "The numbers applied since the last `forget`, in order, and the life that keeps them.",
  }),
  forget: intent({
    payload: z.object({}),
    reply: z.object({ life: z.string() }),
    description: "Empties the ledger, after it was judged.",
  }),
  fail: intent({
    payload: z.object({
      how: z.enum(hows),
      /** Only while this life lasts; absent: whenever it is handled. */
      life: z.string().optional(),
    }),
    reply: z.object({ spared: z.boolean(), life: z.string() }),
    description:
      "Fails for real: throws, rejects, leaves a rejection to nobody, throws by itself once this intent is answered, loops, waits, fills its memory, ends its process, or breaks the rules of its channel.",
  }),
};

type Context = {
  readonly life: string;
  readonly applied: readonly Range[];
  /** Id of the `fail` that is under way. */
  readonly asked: string;
};
type Arrived = { readonly type: "arrived"; readonly life: string };
type Explode = { readonly type: "explode" };

/** Lives that last in this copy of the module, each with a way to make it throw when no intent is in hand. */
const alive = new Map<string, () => void>();

const strikes = ({ life }: { readonly life?: string | undefined }): boolean =>
  life === undefined || alive.has(life);

/** A number that follows on lengthens the last range; one that comes again begins a range of its own. */
function append(applied: readonly Range[], n: number): readonly Range[] {
  const last = applied.at(-1);
  if (last !== undefined && last[1] + 1 === n) return [...applied.slice(0, -1), [last[0], n]];
  if (applied.length >= MAX_RANGES) throw new RangeError("nobody judges this ledger");
  return [...applied, [n, n]];
}

function grow(): never {
  const hoard: number[][] = [];
  for (;;) hoard.push(new Array<number>(100_000).fill(hoard.length));
}

function spin(): never {
  for (;;);
}

/** Of a process of its own: after standard input, output and error. */
const CHANNEL = 3;
/** A frame has at least a byte. */
const EMPTY_FRAME = new Uint8Array(4);

/** How what is asked for shows in the transition itself. */
function strike(how: string): void {
  if (how === "throw") throw new Error("the drill asked for a throw");
  if (how === "loop") spin();
  if (how === "grow") grow();
  if (how === "exit") process.exit(7);
  if (how === "violate") writeSync(CHANNEL, EMPTY_FRAME);
}

const machine = setup({
  types: {
    context: {} as Context,
    events: {} as IntentEvents<typeof intents> | Arrived | Explode,
  },
  actors: {
    /** Runs again in every incarnation: this is how a client knows a new one. */
    live: fromCallback<Arrived | Explode>(({ sendBack }) => {
      const life = `${process.pid}.${Date.now().toString(36)}.${Math.random().toString(36).slice(2)}`;
      // Of the start, so that nothing leads from the failure to the intent that ordered it.
      const start = new AsyncResource("drill");
      const explode = () => void setImmediate(() => sendBack({ type: "explode" }));
      alive.set(life, () => start.runInAsyncScope(explode));
      sendBack({ type: "arrived", life });
      return () => void alive.delete(life);
    }),
    rejected: fromPromise<void, { readonly life: string }>(async ({ input }) => {
      if (alive.has(input.life)) throw new Error("the drill asked for a rejection");
    }),
    endless: fromPromise<void, { readonly life: string }>(async ({ input }) => {
      if (alive.has(input.life)) await new Promise(() => undefined);
    }),
  },
  guards: {
    rejects: ({ event }) => event.type === "fail" && event.payload.how === "reject" && strikes(event.payload),
    waits: ({ event }) => event.type === "fail" && event.payload.how === "wait" && strikes(event.payload),
  },
  actions: {
    apply: assign({
      applied: ({ context, event }) =>
        event.type === "count" ? append(context.applied, event.payload.n) : context.applied,
    }),
    strike: assign(({ event }) => {
      if (event.type === "fail" && strikes(event.payload)) strike(event.payload.how);
      return {};
    }),
    explode: assign(() => {
      throw new Error("the drill asked for a throw that nobody caused");
    }),
    keep: assign({ asked: ({ event }) => (event.type === "fail" ? event.intent.id : "") }),
    spare: reply(({ context }) => ({ spared: true, life: context.life }), {
      to: ({ context }) => context.asked,
    }),
    stray: ({ context, event }) => {
      if (event.type !== "fail" || !strikes(event.payload)) return;
      if (event.payload.how === "stray")
        void Promise.reject(new Error("the drill left a rejection to nobody"));
      if (event.payload.how === "unprovoked") alive.get(context.life)?.();
    },
  },
}).createMachine({
  context: { life: "", applied: [], asked: "" },
  invoke: { src: "live", id: "live" },
  initial: "serving",
  on: {
    arrived: { actions: assign({ life: ({ event }) => event.life }) },
    explode: { actions: "explode" },
  },
  states: {
    serving: {
      on: {
        count: {
          actions: ["apply", reply(({ context, event }) => ({ n: event.payload.n, life: context.life }))],
        },
        ledger: {
          actions: reply(({ context }) => ({ life: context.life, applied: [...context.applied] })),
        },
        forget: {
          actions: [assign({ applied: [] }), reply(({ context }) => ({ life: context.life }))],
        },
        fail: [
          { guard: "rejects", target: "rejecting", actions: "keep" },
          { guard: "waits", target: "waiting", actions: "keep" },
          {
            actions: [
              "strike",
              "stray",
              reply(({ context, event }) => ({ spared: !strikes(event.payload), life: context.life })),
            ],
          },
        ],
      },
    },
    rejecting: {
      invoke: {
        src: "rejected",
        input: ({ context }) => ({ life: context.life }),
        onDone: { target: "serving", actions: "spare" },
      },
    },
    waiting: {
      invoke: {
        src: "endless",
        input: ({ context }) => ({ life: context.life }),
        onDone: { target: "serving", actions: "spare" },
      },
    },
  },
});

/** Takes the next intent only when no failure is under way. */
export const target = defineActor({
  machine,
  intents,
  ready: (snapshot) => snapshot.matches("serving"),
});
