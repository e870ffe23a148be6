// Drives one machine: decides by its pure transition, then performs what the
// decision returned. Knows machines, children and timers; of intents, replies
// and mailboxes it knows nothing.
import type { AnyActorRef, AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { CellError } from "../errors/cell-error.ts";
import { currentIntent } from "./actor-context.ts";
import type { ReceivedIntent } from "./intent.ts";
import { boundIterations } from "./iteration-bound.ts";
import { createMachineScope, type Decision, type MachineAction, type MachineScope } from "./machine-scope.ts";
import { type MachineState, readMachineState, StartedChildren } from "./machine-state.ts";
import type { ActorPorts } from "./ports.ts";
import type { Stage } from "./stage.ts";
import { Timers } from "./timers.ts";

export type DriverOptions = {
  readonly machine: AnyStateMachine;
  readonly path: string;
  readonly ports: Pick<ActorPorts, "clock" | "random">;
  readonly stage: Pick<Stage, "perform">;
  /** An event from a child, a timer or `self.send`, and the intent that led to it. */
  readonly received: (event: AnyEventObject, intent: ReceivedIntent | undefined) => void;
  readonly logged: (message: string) => void;
};

export type Step = {
  readonly snapshot: AnyMachineSnapshot;
  readonly actions: readonly MachineAction[];
};

export class MachineDriver {
  readonly #options: DriverOptions;
  readonly #scope: MachineScope;
  readonly #timers: Timers;
  readonly #children = new StartedChildren();
  #snapshot: AnyMachineSnapshot | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
    boundIterations(options.machine);
    this.#timers = new Timers(options.ports.clock, (timer, intent) => this.#fired(timer, intent));
    this.#scope = createMachineScope({
      id: options.path,
      clock: options.ports.clock,
      snapshot: () => this.snapshot,
      received: (event) => options.received(event, currentIntent()),
      logged: (values) => options.logged(values.map(String).join(" ")),
    });
  }

  get hasStarted(): boolean {
    return this.#snapshot !== undefined;
  }

  get snapshot(): AnyMachineSnapshot {
    if (this.#snapshot === undefined) throw new Error("the machine has not started");
    return this.#snapshot;
  }

  /** Decides the initial state. @throws what the context factory, a guard or an assign threw */
  initial(input: unknown): Step {
    return this.#checked(
      this.#scope.decide((scope) => this.#options.machine.getInitialSnapshot(scope, input)),
    );
  }

  /** Decides one event; nothing is performed. @throws what a guard or an assign threw */
  decide(event: AnyEventObject): Step {
    const before = this.snapshot;
    return this.#checked(
      this.#scope.decide((scope) => this.#options.machine.transition(before, event, scope)),
    );
  }

  /**
   * Makes a decision the present. All of it is read first, so that what makes no sense
   * throws before anything has changed; the machine's own actions are performed first,
   * because they may throw, and only then change state, timers and children.
   * @param read turns an emitted effect into its performance
   */
  commit(step: Step, intent: ReceivedIntent | undefined, read: (effect: unknown) => () => void): void {
    const stopped = new Set(
      step.actions.filter(({ type }) => type === "xstate.stopChild").map(({ params }) => params),
    );
    const works = step.actions.map((action) => this.#read(action, intent, stopped, read));
    const own = step.actions.filter(({ type }) => !type.startsWith("xstate."));
    if (own.length > 0) {
      const act = () => {
        for (const { exec, info, params } of own) exec?.(info, params);
      };
      this.#options.stage.perform(act, intent, "own");
    }
    const before = this.#snapshot;
    this.#snapshot = step.snapshot;
    try {
      for (const work of works) work?.();
    } catch (error) {
      this.#snapshot = before;
      throw error;
    }
  }

  /** Whether any transition, with an effect or without, takes this event now. */
  takes(event: AnyEventObject): boolean {
    return this.#options.machine.getTransitionData(this.snapshot, event).length > 0;
  }

  /** An event that the machine has now taken: what it came from needs no second run. */
  settled(event: AnyEventObject): void {
    this.#children.settled(event, this.snapshot);
    this.#timers.settled(event);
  }

  #checked(decision: Decision): Step {
    if (decision.spawned)
      throw new CellError("ACTOR_SPAWN_IN_ASSIGN", undefined, { where: this.#options.path });
    return decision;
  }

  /** What an action comes to; undefined: nothing. @throws what makes no sense in it */
  #read(
    action: MachineAction,
    intent: ReceivedIntent | undefined,
    stopped: ReadonlySet<unknown>,
    read: (effect: unknown) => () => void,
  ): (() => void) | undefined {
    const { stage } = this.#options;
    switch (action.type) {
      case "xstate.emit":
        return read(Reflect.get(Object(action.params), "event"));
      case "xstate.log":
        return () => this.#log(action.params);
      case "xstate.raise":
        return this.#arming(action.params, undefined, intent);
      case "xstate.cancel":
        return () => this.#timers.cancel(String(Reflect.get(Object(action.params), "sendId")));
      case "xstate.sendTo":
        return this.#sending(action, intent);
      case "xstate.spawnChild":
        return this.#spawning(action, intent, stopped);
      case "xstate.stopChild":
        return () => stage.perform(() => this.#scope.perform(action), intent);
      default:
        if (!action.type.startsWith("xstate.")) return undefined;
        throw new CellError(
          "ACTOR_START_FAILED",
          `XState asks for ${action.type}, which the host does not know`,
        );
    }
  }

  #log(params: unknown): void {
    const { value, label }: { value?: unknown; label?: unknown } = Object(params);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    this.#options.logged(label === undefined ? `${text}` : `${label}: ${text}`);
  }

  /** Without a delay a raised event was taken within the transition already. */
  #arming(
    params: unknown,
    to: string | undefined,
    intent: ReceivedIntent | undefined,
  ): (() => void) | undefined {
    const { event, id, delay }: { event?: AnyEventObject; id?: unknown; delay?: unknown } = Object(params);
    if (typeof delay !== "number" || event === undefined) return undefined;
    const { clock, random } = this.#options.ports;
    const timer = {
      id: id === undefined ? `unnamed-${random().toString(36).slice(2)}` : String(id),
      event,
      dueUnixMs: clock.unixMs() + delay,
    };
    this.#timers.check(timer);
    return () => this.#timers.arm(to === undefined ? timer : { ...timer, to }, intent);
  }

  #sending(action: MachineAction, intent: ReceivedIntent | undefined): (() => void) | undefined {
    const { to, delay }: { to?: AnyActorRef; delay?: unknown } = Object(action.params);
    const isOwn = to === this.#scope.self;
    if (typeof delay === "number") return this.#arming(action.params, isOwn ? undefined : to?.id, intent);
    // To the machine itself: an event that waits, like any other.
    if (isOwn) return () => this.#scope.perform(action);
    return () => this.#options.stage.perform(() => this.#scope.perform(action), intent);
  }

  #spawning(
    action: MachineAction,
    intent: ReceivedIntent | undefined,
    stopped: ReadonlySet<unknown>,
  ): (() => void) | undefined {
    const { actorRef, src }: { actorRef?: AnyActorRef; src?: unknown } = Object(action.params);
    if (actorRef === undefined) {
      throw new CellError("ACTOR_CHILD_UNKNOWN", `${String(src)} is not among the machine's actors`, {
        where: this.#options.path,
      });
    }
    if (stopped.has(actorRef)) return undefined;
    return () => {
      this.#children.started(actorRef);
      this.#options.stage.perform(() => this.#scope.perform(action), intent);
    };
  }

  #fired(
    timer: { readonly event: AnyEventObject; readonly to?: string },
    intent: ReceivedIntent | undefined,
  ): void {
    if (timer.to === undefined) this.#options.received(timer.event, intent);
    else this.snapshot.children[timer.to]?.send(timer.event);
  }

  /** What is needed to go on from here later. @throws NotJsonError, or XState's own error for unnamed children */
  persist(): MachineState {
    const persisted = this.#options.machine.getPersistedSnapshot(this.snapshot);
    return this.#children.stateOf(persisted, this.snapshot, this.#timers.records());
  }

  /**
   * Goes on from a persisted state: timers are armed for what is left of them, invoked
   * promises and callbacks run again. Actions do not.
   * @throws CellError ACTOR_SNAPSHOT_INVALID, and nothing is started
   */
  restore(state: unknown): void {
    const { machine } = this.#options;
    const read = readMachineState(state, machine);
    const { snapshot } = this.#scope.decide((scope) => read.restore(scope));
    this.#snapshot = snapshot;
    for (const timer of read.timers) this.#timers.arm(timer, undefined);
    for (const child of Object.values<AnyActorRef | undefined>(snapshot.children)) {
      if (child?.getSnapshot().status !== "active") continue;
      this.#children.started(child);
      child.start();
    }
  }

  /** Stops children and timers. Never throws: what a child throws on its way out is only logged. */
  stop(): void {
    this.#timers.cancelAll();
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return;
    try {
      const stop = { type: "xstate.stop" };
      const { actions } = this.#scope.decide((scope) =>
        this.#options.machine.transition(snapshot, stop, scope),
      );
      for (const action of actions) this.#stopChild(action);
    } catch (error) {
      this.#options.logged(`stopping: ${String(error)}`);
    }
  }

  #stopChild(action: MachineAction): void {
    if (action.type !== "xstate.stopChild") return;
    try {
      this.#scope.perform(action);
    } catch (error) {
      this.#options.logged(`stopping a child: ${String(error)}`);
    }
  }
}
