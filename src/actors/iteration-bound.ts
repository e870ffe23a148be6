// A cycle of eventless transitions would hold the event loop for ever: XState
// bounds it only when told to.
import type { AnyStateMachine } from "xstate";

/** Microsteps of one event; some 50 ms. */
export const MAX_MICROSTEPS = 10_000;

/** Bounds the machine and the machines that it invokes, in place. */
export function boundIterations(machine: AnyStateMachine, seen: Set<AnyStateMachine> = new Set()): void {
  if (seen.has(machine)) return;
  seen.add(machine);
  if (!(Number(machine.options.maxIterations) <= MAX_MICROSTEPS))
    machine.options.maxIterations = MAX_MICROSTEPS;
  for (const logic of Object.values<unknown>(machine.implementations.actors)) {
    if (isMachine(logic)) boundIterations(logic, seen);
  }
}

export function isMachine(logic: unknown): logic is AnyStateMachine {
  return (
    typeof logic === "object" &&
    logic !== null &&
    "__xstatenode" in logic &&
    "implementations" in logic &&
    "options" in logic
  );
}
