// The `self` that a machine's pure transition sees: a started XState actor that
// hands every event it gets to the host. Children that the machine invokes have
// it for a parent, so that they are ordinary live XState actors, while the
// machine itself is only ever decided by its pure transition, under this scope.
//
// XState's own `transition()` makes a new scope for each call, which reruns the
// context factory without input and gives children a parent that nobody hears.
import {
  type ActorLogic,
  type ActorScope,
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  createActor,
} from "xstate";
import type { ActorClock } from "./ports.ts";

type Scope = ActorScope<AnyMachineSnapshot, AnyEventObject>;
export type MachineAction = Parameters<Scope["actionExecutor"]>[0];

export type MachineScopeOptions = {
  readonly id: string;
  readonly clock: ActorClock;
  /** What `self.getSnapshot()` returns. */
  readonly snapshot: () => AnyMachineSnapshot;
  /** An event from a child, or from `self.send`. */
  readonly received: (event: AnyEventObject) => void;
  readonly logged: (values: readonly unknown[]) => void;
};

export type MachineScope = {
  readonly self: AnyActorRef;
  /** Runs a pure step and collects what it asks for. */
  decide(step: (scope: Scope) => AnyMachineSnapshot): Decision;
  /** Lets XState's own code for starting, stopping and sending to children run. */
  perform(action: MachineAction): void;
};

export type Decision = {
  readonly snapshot: AnyMachineSnapshot;
  readonly actions: readonly MachineAction[];
  /** `spawn()` was called inside assign or a context factory, which yields no action. */
  readonly spawned: boolean;
};

export function createMachineScope(options: MachineScopeOptions): MachineScope {
  let live: Scope | undefined;
  // Never read as a machine's: `getSnapshot` below takes its place.
  const placeholder = { status: "active", output: undefined, error: undefined } as AnyMachineSnapshot;
  const relay: ActorLogic<AnyMachineSnapshot, AnyEventObject> = {
    getInitialSnapshot: () => placeholder,
    start: (_snapshot, scope) => {
      live = scope;
    },
    transition: (snapshot, event) => {
      options.received(event);
      return snapshot;
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };
  const stub = createActor(relay, {
    id: options.id,
    clock: childClock(options.clock),
    logger: (...values) => options.logged(values),
  });
  stub.getSnapshot = options.snapshot;
  stub.start();
  if (live === undefined) throw new Error("XState started an actor without its logic's start");
  return scopeOver(live);
}

function scopeOver(live: Scope): MachineScope {
  let actions: MachineAction[] = [];
  let spawned = false;
  let performing = false;
  const scope: Scope = {
    ...live,
    emit: () => {},
    actionExecutor: (action) => actions.push(action),
    defer: (run) => {
      // While deciding, only `spawn` defers.
      if (performing) run();
      else spawned = true;
    },
  };
  return {
    self: live.self,
    decide(step) {
      actions = [];
      spawned = false;
      const snapshot = step(scope);
      return { snapshot, actions, spawned };
    },
    perform(action) {
      performing = true;
      try {
        action.exec?.(action.info, action.params);
      } finally {
        performing = false;
      }
    },
  };
}

function childClock(clock: ActorClock) {
  return {
    setTimeout: (fire: (...args: unknown[]) => void, delayMs: number) => clock.setTimer(delayMs, fire),
    clearTimeout: (cancel: () => void) => cancel(),
  };
}
