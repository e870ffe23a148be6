// A link of the node to something that it depends on, the broker or the core, as
// an actor: its state is the link's, seen in the tree; it does nothing else.
import { assign, fromCallback, setup } from "xstate";
import { log } from "../action.ts";
import { defineActor } from "../behaviour.ts";

export type LinkStatus = {
  /** Whether the node may rely on it. */
  readonly up: boolean;
  /** In words: connected, reconnecting, down... */
  readonly state: string;
  readonly reason?: string;
};

/** Where the link's state is heard of. */
export type LinkInput = {
  readonly current: () => LinkStatus;
  /** Calls back for each change; returns what ends that. */
  readonly onChange: (listener: (status: LinkStatus) => void) => () => void;
};

type LinkEvent = { readonly type: "link.changed"; readonly status: LinkStatus };

const machine = setup({
  types: {
    context: {} as { readonly source: LinkInput; readonly status: LinkStatus },
    input: {} as LinkInput,
    events: {} as LinkEvent,
  },
  actors: {
    follow: fromCallback<LinkEvent, LinkInput>(({ input, sendBack }) => {
      const tell = (status: LinkStatus) => sendBack({ type: "link.changed", status });
      tell(input.current());
      return input.onChange(tell);
    }),
  },
  guards: { isUp: ({ event }) => event.status.up },
  actions: { keep: assign({ status: ({ event }) => event.status }) },
}).createMachine({
  initial: "down",
  context: ({ input }) => ({ source: input, status: input.current() }),
  invoke: { src: "follow", id: "follow", input: ({ context }) => context.source },
  states: {
    down: {
      on: {
        "link.changed": [
          { guard: "isUp", target: "up", actions: ["keep", log("the link is up")] },
          { actions: "keep" },
        ],
      },
    },
    up: {
      on: {
        "link.changed": [
          { guard: "isUp", actions: "keep" },
          {
            target: "down",
            actions: [
              "keep",
              log(({ event }) => `the link is down: ${event.status.reason ?? event.status.state}`, "warn"),
            ],
          },
        ],
      },
    },
  },
});

export const link = defineActor({ machine, intents: {} });
