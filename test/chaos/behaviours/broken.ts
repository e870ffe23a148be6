import { defineActor } from "cell0";
import { assign } from "xstate";
import { target as sound } from "../../../src/drill/behaviours/target.ts";

const EVERY = 20;

/** Applies every twentieth intent twice, and every twenty-first not at all, while it answers both. */
export const target = defineActor({
  machine: sound.machine.provide({
    actions: {
      apply: assign({
        applied: ({ context, event }) => {
          if (event.type !== "count") return context.applied;
          const { n } = event.payload;
          if (n % EVERY === 1) return context.applied;
          const once = [...context.applied, [n, n] as [number, number]];
          return n % EVERY === 0 ? [...once, [n, n] as [number, number]] : once;
        },
      }),
    },
  }),
  intents: sound.intents,
  ready: (snapshot) => snapshot.matches("serving"),
});
