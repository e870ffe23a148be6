import { defineActor, type IntentEvents, intent } from "cell0";
import { setup } from "xstate";
import { z } from "zod";

const intents = {
  spin: intent({ payload: z.object({ ms: z.int() }) }),
};

function spinFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

const machine = setup({ types: { events: {} as IntentEvents<typeof intents> } }).createMachine({
  on: { spin: { actions: ({ event }) => spinFor(event.payload.ms) } },
});

/** Holds up the event loop for as long as it is told. */
export const spinner = defineActor({ machine, intents });
