// The supervisor as an XState actor: its states are what an operator sees, its context is
// the state that `decide` keeps. Every event is decided by `decide`; the effects leave
// through the `perform` action, which the shell provides.
import { assign, setup } from "xstate";
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

export type MachineEvent = SupervisorEvent & { readonly at: Moment };
type MachineContext = { readonly supervisor: SupervisorState; readonly effects: readonly Effect[] };
type MachineInput = { readonly initial: SupervisorState };

export function stateName({ phase, counts }: SupervisorState): SupervisorStateName {
  return phase === "running" && counts.waiting > 0 ? "backing-off" : phase;
}

const machineSetup = setup({
  types: {
    context: {} as MachineContext,
    events: {} as MachineEvent,
    input: {} as MachineInput,
  },
  actions: {
    perform: (_, _params: { readonly effects: readonly Effect[] }) => {
      throw new Error("supervisorMachine: provide `perform`");
    },
  },
  guards: {
    is: ({ context }, state: SupervisorStateName) => stateName(context.supervisor) === state,
  },
});

const to = <const T extends SupervisorStateName>(target: T) => ({
  guard: { type: "is", params: target } as const,
  target: `#supervisor.${target}` as const,
});

const toStarting = to("starting");
const toRunning = to("running");
const toBackingOff = to("backing-off");
const toStopping = to("stopping");
const toGaveUp = to("gaveUp");
const toStopped = to("stopped");
const toEnd = [toStopping, toGaveUp, toStopped];

export const supervisorMachine = machineSetup.createMachine({
  id: "supervisor",
  context: ({ input }) => ({ supervisor: input.initial, effects: [] }),
  initial: "idle",
  on: {
    "*": {
      actions: [
        assign(({ context, event }) => {
          const { state, effects } = decide(context.supervisor, event, event.at);
          return { supervisor: state, effects };
        }),
        { type: "perform", params: ({ context }) => ({ effects: context.effects }) },
      ],
    },
  },
  states: {
    idle: { always: [toStarting, toRunning, ...toEnd] },
    starting: { always: [toRunning, toBackingOff, ...toEnd] },
    running: { always: [toBackingOff, ...toEnd] },
    "backing-off": { always: [toRunning, ...toEnd] },
    stopping: { always: [toGaveUp, toStopped] },
    gaveUp: { type: "final" },
    stopped: { type: "final" },
  },
});
