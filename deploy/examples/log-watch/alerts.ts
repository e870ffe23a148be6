import { defineActor, type IntentEvents, intent, log, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";

const signal = z.object({ name: z.string().max(100), atUnixMs: z.int(), errorRatio: z.number() });
const alert = signal.extend({ clearedUnixMs: z.int().optional() });
type Alert = z.infer<typeof alert>;

const intents = {
  "alert.raise": intent({ payload: signal }),
  "alert.clear": intent({ payload: signal }),
  "alerts.list": intent({ reply: z.object({ open: z.int(), alerts: z.array(alert) }) }),
};

/** Alerts kept; older ones go. */
const KEPT = 50;

const clear = (alerts: readonly Alert[], name: string, atUnixMs: number): Alert[] =>
  alerts.map((each) =>
    each.name === name && each.clearedUnixMs === undefined ? { ...each, clearedUnixMs: atUnixMs } : each,
  );

const machine = setup({
  types: { context: {} as { readonly alerts: readonly Alert[] }, events: {} as IntentEvents<typeof intents> },
}).createMachine({
  context: { alerts: [] },
  on: {
    "alert.raise": {
      actions: [
        assign({ alerts: ({ context, event }) => [...context.alerts, event.payload].slice(-KEPT) }),
        log(
          ({ event }) =>
            `ALERT ${event.payload.name}: ${(event.payload.errorRatio * 100).toFixed(1)} % errors`,
          "warn",
        ),
      ],
    },
    "alert.clear": {
      actions: [
        assign({
          alerts: ({ context, event }) => clear(context.alerts, event.payload.name, event.payload.atUnixMs),
        }),
        log(({ event }) => `cleared ${event.payload.name}`),
      ],
    },
    "alerts.list": {
      actions: reply(({ context }) => ({
        open: context.alerts.filter(({ clearedUnixMs }) => clearedUnixMs === undefined).length,
        alerts: [...context.alerts],
      })),
    },
  },
});

/** Remembers alerts, open and cleared. */
export const alerts = defineActor({ machine, intents });
