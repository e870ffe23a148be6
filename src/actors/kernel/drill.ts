// `kernel/<node>/drill`: faults on demand, for `cell0 drill` and nothing else. A node has it
// only when it was started with CELL0_DRILL, which no cell of a user's is.
import { AsyncResource } from "node:async_hooks";
import { assign, fromCallback, setup } from "xstate";
import { z } from "zod";
import { reply } from "../action.ts";
import { defineActor } from "../behaviour.ts";
import { type IntentEvents, intent } from "../intent-definition.ts";

/** What a kernel actor of the shared loop can fail of. */
const kernelFailures = ["crash", "hang", "exhaustion"] as const;
export type KernelFailure = (typeof kernelFailures)[number];

export type DrillPorts = {
  /** Damages the next snapshot of this actor, once it is sealed. */
  readonly flipNextSnapshot: (path: string) => void;
  /** From now on until the actor system is built anew, each start of this actor fails so. */
  readonly doom: (failure: KernelFailure) => void;
  readonly doomedTo: () => KernelFailure | undefined;
};

export const drillIntents = {
  "fault.flip-snapshot": intent({
    payload: z.object({ path: z.string().max(512) }),
    reply: z.object({ done: z.boolean() }),
    description: "Flips one bit of the actor's next snapshot.",
  }),
  "fault.kernel": intent({
    payload: z.object({ failure: z.enum(kernelFailures) }),
    reply: z.object({ done: z.boolean() }),
    description: "Fails a kernel actor until the kernel gives up, for a reason that nobody is named for.",
  }),
  "fault.none": intent({
    reply: z.object({ done: z.boolean() }),
    description: "Does nothing: it waits for an actor that hangs.",
  }),
} as const;

type Explode = { readonly type: "explode"; readonly failure: KernelFailure };
type Context = {
  readonly ports: DrillPorts;
  readonly fuse: { run: (failure: KernelFailure) => void };
};

/** More than any system has. */
const TOO_MUCH = 2 ** 46;

/** A hang throws nothing: it is a state that takes no intent. */
function fail(failure: KernelFailure): void {
  if (failure === "exhaustion") new ArrayBuffer(TOO_MUCH);
  if (failure === "crash") throw new Error("the drill asked for a kernel that gives up");
}

const machine = setup({
  types: {
    context: {} as Context,
    input: {} as DrillPorts,
    events: {} as IntentEvents<typeof drillIntents> | Explode,
  },
  actors: {
    fuse: fromCallback<Explode, Context["fuse"]>(({ input, sendBack }) => {
      // Of the start, so that the failure is not the intent's that ordered it.
      const start = new AsyncResource("drill");
      input.run = (failure) =>
        start.runInAsyncScope(() => setImmediate(() => sendBack({ type: "explode", failure })));
    }),
  },
  guards: {
    hangs: ({ event }) => event.type === "explode" && event.failure === "hang",
  },
  actions: {
    flip: ({ context, event }) => {
      if (event.type === "fault.flip-snapshot") context.ports.flipNextSnapshot(event.payload.path);
    },
    doom: ({ context, event }) => {
      if (event.type !== "fault.kernel") return;
      context.ports.doom(event.payload.failure);
      context.fuse.run(event.payload.failure);
    },
    explode: assign(({ event }) => {
      if (event.type === "explode") fail(event.failure);
      return {};
    }),
  },
}).createMachine({
  context: ({ input }) => {
    const doomed = input.doomedTo();
    if (doomed !== undefined) fail(doomed);
    return { ports: input, fuse: { run: () => undefined } };
  },
  invoke: { src: "fuse", input: ({ context }) => context.fuse },
  initial: "serving",
  on: { explode: [{ guard: "hangs", target: ".hanging" }, { actions: "explode" }] },
  states: {
    serving: {
      on: {
        "fault.flip-snapshot": { actions: ["flip", reply(() => ({ done: true }))] },
        "fault.kernel": { actions: ["doom", reply(() => ({ done: true }))] },
        "fault.none": { actions: reply(() => ({ done: true })) },
      },
    },
    /** With nothing in hand, so that no sender is to blame; what waits is found to wait too long. */
    hanging: {},
  },
});

export const drill = defineActor({
  machine,
  intents: drillIntents,
  onRestart: "fresh",
  ready: (snapshot) => snapshot.matches("serving"),
});
