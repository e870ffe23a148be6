// A behaviour: an XState machine with the intents that it accepts. What a
// module exports and a manifest names; it runs nothing by itself.
import type { AnyMachineSnapshot, AnyStateMachine, EventFromLogic } from "xstate";
import type { IntentDefinitions, IntentEvents } from "./intent-definition.ts";

// Registered, so that behaviours made by another copy of this package are known too.
const brand = Symbol.for("cell0.behaviour/v1");

export type Behaviour<
  Machine extends AnyStateMachine = AnyStateMachine,
  Intents extends IntentDefinitions = IntentDefinitions,
> = {
  readonly machine: Machine;
  readonly intents: Intents;
  /**
   * Whether the machine takes a further intent in this state; the mailbox holds
   * them back otherwise. Must be pure. Default: always.
   */
  readonly ready: ((snapshot: AnyMachineSnapshot) => boolean) | undefined;
  /** After a failure: from the last good snapshot (default), or from the beginning. */
  readonly onRestart: "restore" | "fresh";
  /** Whether an intent without a reply schema is answered by the host (default) or by `reply`. */
  readonly answers: "automatic" | "explicit";
};

/** Holds when the machine's events include every declared intent with its payload. */
type Handles<Machine extends AnyStateMachine, Intents extends IntentDefinitions> = [
  IntentEvents<Intents>,
] extends [EventFromLogic<Machine>]
  ? unknown
  : {
      readonly machine: {
        readonly "the machine's events lack or contradict these declared intents": Exclude<
          IntentEvents<Intents>,
          EventFromLogic<Machine>
        >["type"];
      };
    };

/**
 * Makes a behaviour. The machine's event type must include `IntentEvents<typeof
 * intents>`; that it does is checked by the compiler.
 */
export function defineActor<const Machine extends AnyStateMachine, const Intents extends IntentDefinitions>(
  definition: {
    readonly machine: Machine;
    readonly intents: Intents;
    readonly ready?: (snapshot: AnyMachineSnapshot) => boolean;
    readonly onRestart?: "restore" | "fresh";
  } & Handles<NoInfer<Machine>, NoInfer<Intents>>,
): Behaviour<Machine, Intents> {
  const { machine, intents, ready, onRestart = "restore" } = definition;
  return makeBehaviour({ machine, intents, ready, onRestart, answers: "automatic" });
}

export function makeBehaviour<Machine extends AnyStateMachine, Intents extends IntentDefinitions>(
  parts: Behaviour<Machine, Intents>,
): Behaviour<Machine, Intents> {
  const behaviour = { ...parts };
  Object.defineProperty(behaviour, brand, { value: true });
  return Object.freeze(behaviour);
}

export function isBehaviour(value: unknown): value is Behaviour {
  return typeof value === "object" && value !== null && Reflect.get(value, brand) === true;
}
