// `kernel/<node>/drill`: faults on demand, for `cell0 drill` and nothing else. A node has it
// only when it was started with CELL0_DRILL=1, which no cell of a user's is.
import { AsyncResource } from "node:async_hooks";
import { assign, fromCallback, setup } from "xstate";
import { z } from "zod";
import { reply } from "../action.ts";
import { defineActor } from "../behaviour.ts";
import { type IntentEvents, intent } from "../intent-definition.ts";

export type DrillPorts = {
  /** Damages the next snapshot of this actor, once it is sealed. */
  readonly flipNextSnapshot: (path: string) => void;
  /** From now on until the actor system is built anew, this actor does not start. */
  readonly doom: () => void;
  readonly isDoomed: () => boolean;
};

export const drillIntents = {
  "fault.flip-snapshot": intent({
    payload: z.object({ path: z.string().max(512) }),
    reply: z.object({ done: z.boolean() }),
    description: "Flips one bit of the actor's next snapshot.",
  }),
  "fault.kernel": intent({
    reply: z.object({ done: z.boolean() }),
    description: "Crashes a kernel actor until the kernel gives up, for a reason that nobody is named for.",
  }),
} as const;

type Explode = { readonly type: "explode" };
type Context = { readonly ports: DrillPorts; readonly explode: { run: () => void } };

const machine = setup({
  types: {
    context: {} as Context,
    input: {} as DrillPorts,
    events: {} as IntentEvents<typeof drillIntents> | Explode,
  },
  actors: {
    fuse: fromCallback<Explode, Context["explode"]>(({ input, sendBack }) => {
      // Of the start, so that the failure is not the intent's that ordered it.
      const start = new AsyncResource("drill");
      input.run = () => start.runInAsyncScope(() => setImmediate(() => sendBack({ type: "explode" })));
    }),
  },
  actions: {
    flip: ({ context, event }) => {
      if (event.type === "fault.flip-snapshot") context.ports.flipNextSnapshot(event.payload.path);
    },
    doom: ({ context }) => {
      context.ports.doom();
      context.explode.run();
    },
    explode: assign(() => {
      throw new Error("the drill asked for a kernel that gives up");
    }),
  },
}).createMachine({
  context: ({ input }) => {
    if (input.isDoomed()) throw new Error("the drill asked for a kernel that gives up");
    return { ports: input, explode: { run: () => undefined } };
  },
  invoke: { src: "fuse", input: ({ context }) => context.explode },
  on: {
    "fault.flip-snapshot": { actions: ["flip", reply(() => ({ done: true }))] },
    "fault.kernel": { actions: ["doom", reply(() => ({ done: true }))] },
    explode: { actions: "explode" },
  },
});

export const drill = defineActor({ machine, intents: drillIntents, onRestart: "fresh" });
