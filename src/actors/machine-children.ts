// The children of one machine as live XState actors: started, sent to and stopped when
// the host's stage says so, told apart by the intent that led to them, and brought
// back after a restart.
import type { AnyActorRef, AnyEventObject, AnyMachineSnapshot } from "xstate";
import { runInActor } from "./actor-context.ts";
import { ChildTimers } from "./child-timers.ts";
import type { ReceivedIntent } from "./intent.ts";
import { interrupt, startInterrupted } from "./interrupted-promises.ts";
import { isMachine } from "./iteration-bound.ts";
import type { MachineAction, MachineScope } from "./machine-scope.ts";
import { type ChildTimer, StartedChildren } from "./machine-state.ts";
import type { ActorClock } from "./ports.ts";
import type { Stage } from "./stage.ts";

/** An event for a child, decided and not yet given to it. */
export type PendingSend = {
  readonly to: AnyActorRef;
  readonly event: AnyEventObject;
  readonly intent: ReceivedIntent | undefined;
};

export type Resumption = {
  /** The intent that led to a child, or to an event that waits for it. */
  readonly causeOf?: (childId: string) => ReceivedIntent | undefined;
  /** In place of running again, a promise that was in flight ends with this error. */
  readonly interruption?: unknown;
  /** What a child's code throws later, where no transition shows it. Absent: the present actor's. */
  readonly fail?: (error: unknown, intent: ReceivedIntent | undefined) => void;
};

export type ChildrenOptions = {
  /** Path of the actor. */
  readonly path: string;
  readonly scope: MachineScope;
  readonly clock: ActorClock;
  readonly stage: () => Stage;
  readonly logged: (message: string) => void;
};

/** What a stopped child's last events go to. */
const DEAF = { _send: () => {}, send: () => {}, id: "deaf", sessionId: "deaf" };

export class MachineChildren {
  readonly #options: ChildrenOptions;
  readonly started = new StartedChildren();
  #timers: ChildTimers | undefined;
  #causes: WeakMap<AnyActorRef, ReceivedIntent> | undefined;
  #sends: Set<PendingSend> | undefined;
  /** Stopped by a decision that has not come about, with what stops them. */
  #doomed: Map<AnyActorRef, MachineAction> | undefined;

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  spawn(action: MachineAction, child: AnyActorRef, intent: ReceivedIntent | undefined): void {
    this.#expect(child, intent);
    this.#options.stage().perform(() => this.#options.scope.perform(action), intent);
  }

  /** From the decision on the machine hears nothing of it. */
  stop(action: MachineAction, child: AnyActorRef, intent: ReceivedIntent | undefined): void {
    const parent: unknown = Reflect.get(child, "_parent");
    Reflect.set(child, "_parent", DEAF);
    this.#doomed ??= new Map();
    this.#doomed.set(child, action);
    const work = () => {
      this.#doomed?.delete(child);
      Reflect.set(child, "_parent", parent);
      this.#options.scope.perform(action);
    };
    this.#options.stage().perform(work, intent);
  }

  send(send: PendingSend, perform = () => send.to.send(send.event)): void {
    this.#sends ??= new Set();
    this.#sends.add(send);
    const work = () => {
      this.#sends?.delete(send);
      perform();
    };
    this.#options.stage().perform(work, send.intent);
  }

  /** Events for present children that have not been given to them. */
  pending(snapshot: AnyMachineSnapshot): readonly PendingSend[] {
    return [...(this.#sends ?? [])].filter(({ to }) => snapshot.children[to.id] === to);
  }

  causeOf(child: AnyActorRef): ReceivedIntent | undefined {
    return this.#causes?.get(child);
  }

  timers(): readonly ChildTimer[] {
    return this.#timers?.records() ?? [];
  }

  /** Runs restored children again, and arms their timers. */
  resume(snapshot: AnyMachineSnapshot, timers: readonly ChildTimer[], resumption: Resumption): void {
    const { causeOf, interruption, fail } = resumption;
    for (const child of Object.values<AnyActorRef | undefined>(snapshot.children)) {
      if (child === undefined) continue;
      const intent = causeOf?.(child.id);
      const inItsName = (work: () => void) => {
        if (fail === undefined) return work();
        const actor = this.#options.path;
        return runInActor({ actor, intent, fail: (error) => fail(error, intent) }, work);
      };
      const interrupted = interruption === undefined ? [] : interrupt(child, interruption);
      if (child.getSnapshot().status === "active") {
        this.#expect(child, intent);
        inItsName(() => child.start());
      }
      inItsName(() => startInterrupted(interrupted));
    }
    if (timers.length > 0) this.#own().arm(timers, snapshot);
  }

  /** What is doomed and has not been stopped. Never throws. */
  stopDoomed(): void {
    for (const [child, action] of this.#doomed ?? []) {
      Reflect.set(child, "_parent", this.#options.scope.self);
      try {
        this.#options.scope.perform(action);
      } catch (error) {
        this.#options.logged(`stopping a child: ${String(error)}`);
      }
    }
    this.#doomed = undefined;
  }

  #expect(child: AnyActorRef, intent: ReceivedIntent | undefined): void {
    this.#own();
    this.started.started(child);
    if (intent === undefined) return;
    this.#causes ??= new WeakMap();
    this.#causes.set(child, intent);
  }

  #own(): ChildTimers {
    if (this.#timers !== undefined) return this.#timers;
    const { scope, clock, stage } = this.#options;
    this.#timers = new ChildTimers(scope.self, clock);
    if (stage().keeps) onStateChange(scope.self, () => stage().touched());
    return this.#timers;
  }
}

/** Of children that decide by themselves: machines and reducers. All others begin anew after a restart. */
function onStateChange(self: AnyActorRef, changed: () => void): void {
  self.system.inspect((inspected) => {
    if (inspected.type !== "@xstate.snapshot" || inspected.actorRef === self) return;
    if (inspected.event.type === "xstate.init") return;
    const logic: unknown = Reflect.get(inspected.actorRef, "logic");
    if (isMachine(logic) || !("start" in Object(logic))) changed();
  });
}
