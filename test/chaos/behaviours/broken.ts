import { defineActor } from "cell0";
import { assign } from "xstate";
import { target as sound } from "../../../src/drill/behaviours/target.ts";
import { entered, courier as soundCourier, TIMERS } from "./courier.ts";

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

type Kept = Parameters<typeof entered>[0];

/** Of each twenty it keeps one twice, one not at all, and one before the one before. */
function wrongly(kept: Kept, name: string, n: number): Kept {
  const once = entered(kept, name, n);
  // Of each receiver's share, and of a timekeeper's.
  const turn = Math.floor(n / 2) % (EVERY / 4);
  if (turn === 0) return kept;
  if (turn === 1) return entered(once, name, n);
  const last = kept[name]?.at(-1);
  if (turn !== 3 || last === undefined) return once;
  const before = (kept[name] ?? []).slice(0, -1);
  const shortened: typeof before = last[0] < last[1] ? [[last[0], last[1] - 1]] : [];
  return { ...kept, [name]: [...before, ...shortened, [n, n], [last[1], last[1]]] };
}

/** Takes and fires numbers twice, not at all, and in another order. */
export const courier = defineActor({
  machine: soundCourier.machine.provide({
    actions: {
      keepTaken: assign(({ context, event }) =>
        event.type === "take" ? { taken: wrongly(context.taken, event.payload.source, event.payload.n) } : {},
      ),
      keepFired: assign(({ context, event }) =>
        event.type === "due" ? { taken: wrongly(context.taken, TIMERS, event.n) } : {},
      ),
    },
  }),
  intents: soundCourier.intents,
});
