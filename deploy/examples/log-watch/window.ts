import { defineActor, type IntentEvents, intent, reply, send } from "cell0";
import { assign, enqueueActions, setup } from "xstate";
import { z } from "zod";
import { entry } from "./entries.ts";
import { addEntries, emptyWindow, type RateWindow, ratesOf } from "./rates.ts";

const rates = z.object({
  requests: z.int(),
  errors: z.int(),
  errorRatio: z.number(),
  perSecond: z.number(),
  windowSeconds: z.int(),
  worst: z.array(z.object({ path: z.string(), errors: z.int() })),
});

const intents = {
  "entries.add": intent({ payload: z.object({ entries: z.array(entry).max(100) }) }),
  "rates.get": intent({ reply: rates }),
};

const machine = setup({
  types: {
    context: {} as {
      readonly window: RateWindow;
      readonly threshold: number;
      readonly least: number;
      readonly alerting: boolean;
    },
    input: {} as {
      readonly windowSeconds: number;
      readonly errorRatio: number;
      readonly leastRequests: number;
    },
    events: {} as IntentEvents<typeof intents>,
  },
}).createMachine({
  context: ({ input }) => ({
    window: emptyWindow(input.windowSeconds),
    threshold: input.errorRatio,
    least: input.leastRequests,
    alerting: false,
  }),
  on: {
    "entries.add": {
      actions: [
        assign({ window: ({ context, event }) => addEntries(context.window, event.payload.entries) }),
        enqueueActions(({ context, enqueue }) => {
          const now = ratesOf(context.window);
          const high = now.requests >= context.least && now.errorRatio > context.threshold;
          if (high === context.alerting) return;
          enqueue.assign({ alerting: high });
          enqueue(
            send({
              target: "log-watch/alerts",
              intent: high ? "alert.raise" : "alert.clear",
              payload: {
                name: "error-ratio",
                atUnixMs: context.window.newestUnixMs,
                errorRatio: now.errorRatio,
              },
              priority: "high",
            }),
          );
        }),
      ],
    },
    "rates.get": { actions: reply(({ context }) => ratesOf(context.window)) },
  },
});

/** Keeps the last seconds of the log, by its own time, and says when errors exceed their share. */
export const window = defineActor({ machine, intents });
