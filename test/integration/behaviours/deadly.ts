import { setImmediate as turn } from "node:timers/promises";
import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { fromPromise, setup } from "xstate";
import { z } from "zod";

const intents = {
  say: intent({ reply: z.object({ said: z.boolean() }) }),
  end: intent({ payload: z.object({ how: z.enum(["loop", "later", "exit", "grow"]) }) }),
};

function spin(): never {
  for (;;);
}

function grow(): never {
  const hoard: number[][] = [];
  for (;;) hoard.push(new Array<number>(100_000).fill(hoard.length));
}

const machine = setup({
  types: { events: {} as IntentEvents<typeof intents> },
  actors: {
    /** Nothing on the way back from an await says whose code this is. */
    later: fromPromise(async () => {
      await turn();
      spin();
    }),
  },
  guards: {
    later: ({ event }) => event.type === "end" && event.payload.how === "later",
  },
}).createMachine({
  initial: "serving",
  on: { say: { actions: reply(() => ({ said: true })) } },
  states: {
    serving: {
      on: {
        end: [
          { guard: "later", target: "doomed" },
          {
            actions: ({ event: { payload } }) => {
              if (payload.how === "exit") process.exit(3);
              if (payload.how === "grow") grow();
              spin();
            },
          },
        ],
      },
    },
    doomed: { invoke: { src: "later", onDone: "serving" } },
  },
});

/** Ends the process that it shares, in whatever way a sender asks for. */
export const deadly = defineActor({ machine, intents });
