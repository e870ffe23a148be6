// A behaviour: an XState machine with the intents that it accepts. What a
// module exports and a manifest names; it runs nothing by itself.
import type { AnyMachineSnapshot, AnyStateMachine, EventFromLogic, StateValue } from "xstate";
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
  /** Of the behaviour's state: see `defineActor`. */
  readonly version?: string | number | undefined;
  readonly migrate?: Migrate | undefined;
  /** What becomes of promises in flight when the process ends: they run again (default), or fail. */
  readonly onResume?: "rerun" | "fail" | undefined;
  /** Whether an intent without a reply schema is answered by the host (default) or by `reply`. */
  readonly answers: "automatic" | "explicit";
};

/** A durable actor's state as older code left it. */
export type OldState = {
  /** What that code's `defineActor` stated; undefined: nothing. */
  readonly version: string | number | undefined;
  /** XState's state value, e.g. "open" or { open: "waiting" }. */
  readonly state: unknown;
  readonly context: unknown;
};

/** undefined: this state cannot be migrated, and the actor does not start. Must be pure. */
export type Migrate = (
  old: OldState,
) => { readonly state: StateValue; readonly context: Readonly<Record<string, unknown>> } | undefined;

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
 * @param definition.version names what the state means. Code with the same `version` goes on
 *   with a durable actor's state; other code needs `migrate`. Default: none, so that any
 *   change of code is another version
 * @param definition.onResume of a durable actor's promises in flight at its end: "rerun"
 *   (default), or "fail": their invoke's `onError` gets ACTOR_PROMISE_INTERRUPTED
 */
export function defineActor<const Machine extends AnyStateMachine, const Intents extends IntentDefinitions>(
  definition: {
    readonly machine: Machine;
    readonly intents: Intents;
    readonly ready?: (snapshot: AnyMachineSnapshot) => boolean;
    readonly onRestart?: "restore" | "fresh";
    readonly version?: string | number;
    readonly migrate?: Migrate;
    readonly onResume?: "rerun" | "fail";
  } & Handles<NoInfer<Machine>, NoInfer<Intents>>,
): Behaviour<Machine, Intents> {
  const { machine, intents, ready, onRestart = "restore", version, migrate, onResume } = definition;
  const durable = { version, migrate, onResume };
  return makeBehaviour({ machine, intents, ready, onRestart, ...durable, answers: "automatic" });
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
