// The supervisor as an XState actor: its snapshot is the state that `decide` keeps, and what
// that asked for last. A transition function rather than a statechart: one that restarts
// a thousand children takes two thousand events, and what it is doing is a part of its state.
import { fromTransition } from "xstate";
import { decide } from "./decide.ts";
import type { Effect, Moment, SupervisorEvent, SupervisorState } from "./supervisor-state.ts";

/** What a supervisor is doing, as it is shown; `backing-off` while any child waits for its restart. */
export type SupervisorStateName =
  | "idle"
  | "starting"
  | "running"
  | "backing-off"
  | "stopping"
  | "gaveUp"
  | "stopped";

export type DatedEvent = SupervisorEvent & { readonly at: Moment };

export type Decided = {
  readonly supervisor: SupervisorState;
  /** Of the last event: to be performed, in this order. */
  readonly effects: readonly Effect[];
};

export function stateName({ phase, counts }: SupervisorState): SupervisorStateName {
  return phase === "running" && counts.waiting > 0 ? "backing-off" : phase;
}

/** Every event is decided by `decide`; what it throws ends the actor with that error. */
export const supervisorLogic = fromTransition(
  ({ supervisor }: Decided, event: DatedEvent): Decided => {
    const { state, effects } = decide(supervisor, event, event.at);
    return { supervisor: state, effects };
  },
  ({ input }: { readonly input: { readonly initial: SupervisorState } }): Decided => ({
    supervisor: input.initial,
    effects: [],
  }),
);
