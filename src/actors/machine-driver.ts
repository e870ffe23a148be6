// Drives one machine: decides by its pure transition, then performs what the
// decision returned. Knows machines, children and timers; of intents, replies
// and mailboxes it knows nothing.
import type { AnyActorRef, AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { CellError } from "../errors/cell-error.ts";
import { currentIntent } from "./actor-context.ts";
import { delayedEffect, delayedEvent } from "./delayed-effect.ts";
import type { Later } from "./effect-handlers.ts";
import type { ReceivedIntent } from "./intent.ts";
import { boundIterations } from "./iteration-bound.ts";
import { MachineChildren, type PendingSend, type Resumption } from "./machine-children.ts";
import { createMachineScope, type Decision, type MachineAction, type MachineScope } from "./machine-scope.ts";
import { type ChildTimer, type MachineState, readMachineState } from "./machine-state.ts";
import type { ActorPorts } from "./ports.ts";
import type { Stage } from "./stage.ts";
import { type TimerRecord, Timers } from "./timers.ts";

export type DriverOptions = {
  readonly machine: AnyStateMachine;
  readonly path: string;
  readonly ports: Pick<ActorPorts, "clock" | "random">;
  readonly stage: () => Stage;
  /** An event from a child, a timer or `self.send`, and the intent that led to it. */
  readonly received: (event: AnyEventObject, intent: ReceivedIntent | undefined) => void;
  readonly logged: (message: string) => void;
};

/** What a machine can return to. */
export type MachineMark = {
  readonly snapshot: AnyMachineSnapshot;
  readonly timers: readonly TimerRecord[];
  readonly childTimers: readonly ChildTimer[];
  /** What led to the timers, in their order. */
  readonly timerCauses: readonly (ReceivedIntent | undefined)[];
};

export type Causes = Pick<Ties, "timers" | "children">;

export type Step = {
  readonly snapshot: AnyMachineSnapshot;
  readonly actions: readonly MachineAction[];
  /** That was emitted earlier, to come now. */
  readonly due?: unknown;
};

/** Beside the persisted state: what led to its parts, and what has not come about. */
export type Ties = {
  /** In the order of the persisted timers. */
  readonly timers: readonly (ReceivedIntent | undefined)[];
  readonly children: readonly (readonly [id: string, cause: ReceivedIntent])[];
  readonly sends: readonly PendingSend[];
  /** Whether a child runs. */
  readonly live: boolean;
  readonly nextTimerUnixMs: number | undefined;
};

/** One that the behaviour wrote as a plain function. */
export type OwnAction = { readonly event: number; readonly act: () => void };

export class MachineDriver {
  readonly #options: DriverOptions;
  readonly #scope: MachineScope;
  readonly #timers: Timers;
  readonly #children: MachineChildren;
  #snapshot: AnyMachineSnapshot | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
    boundIterations(options.machine);
    const { ports, stage, logged } = options;
    this.#timers = new Timers(ports.clock, (timer, intent) => this.#fired(timer, intent));
    this.#scope = createMachineScope({
      id: options.path,
      clock: options.ports.clock,
      snapshot: () => this.snapshot,
      received: (event) => options.received(event, currentIntent()),
      logged: (values) => logged(values.map(String).join(" ")),
    });
    this.#children = new MachineChildren({
      path: options.path,
      scope: this.#scope,
      clock: ports.clock,
      stage,
      logged,
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
    const due = delayedEffect(event);
    if (due !== undefined) return { snapshot: before, actions: [], due };
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
    if (step.due !== undefined) works.push(read(step.due));
    const own = step.actions.filter(({ type }) => !type.startsWith("xstate."));
    if (own.length > 0) {
      const act = () => {
        for (const { exec, info, params } of own) exec?.(info, params);
      };
      this.#options.stage().perform(act, intent, "own");
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

  /** Arms an effect to come later, when the returned function is called. @throws RangeError, NotJsonError */
  delay(effect: object, { delayMs, id }: Later, intent: ReceivedIntent | undefined): () => void {
    const arm = this.#arming({ event: delayedEvent(effect), id, delay: delayMs }, undefined, intent);
    return () => arm?.();
  }

  /** Whether any transition, with an effect or without, takes this event now. */
  takes(event: AnyEventObject): boolean {
    return this.#options.machine.getTransitionData(this.snapshot, event).length > 0;
  }

  /** An event that the machine has now taken: what it came from needs no second run. */
  settled(event: AnyEventObject): void {
    this.#children.started.settled(event, this.snapshot);
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
        return this.#stopping(action, intent);
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
    const { to, event, delay }: { to?: AnyActorRef; event?: AnyEventObject; delay?: unknown } = Object(
      action.params,
    );
    const isOwn = to === this.#scope.self;
    if (typeof delay === "number") return this.#arming(action.params, isOwn ? undefined : to?.id, intent);
    // To the machine itself: an event that waits, like any other.
    if (isOwn) return () => this.#scope.perform(action);
    if (to === undefined || event === undefined) return undefined;
    return () => this.#children.send({ to, event, intent }, () => this.#scope.perform(action));
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
    return () => this.#children.spawn(action, actorRef, intent);
  }

  #stopping(action: MachineAction, intent: ReceivedIntent | undefined): (() => void) | undefined {
    const child: unknown = action.params;
    return isActor(child) ? () => this.#children.stop(action, child, intent) : undefined;
  }

  #fired(
    timer: { readonly event: AnyEventObject; readonly to?: string },
    intent: ReceivedIntent | undefined,
  ): void {
    if (timer.to === undefined) {
      this.#options.received(timer.event, intent);
      return;
    }
    const to: AnyActorRef | undefined = this.snapshot.children[timer.to];
    if (to !== undefined) this.#children.send({ to, event: timer.event, intent });
  }

  /** The present, as what `persist` may be given later. */
  mark(): MachineMark {
    const { snapshot } = this;
    return {
      snapshot,
      timers: this.#timers.records(),
      childTimers: this.#children.timers(),
      timerCauses: this.#timers.causes(),
    };
  }

  /** What is needed to go on from here later. @throws NotJsonError, or XState's own error for unnamed children */
  persist({ snapshot, timers, childTimers }: MachineMark = this.mark()): MachineState {
    const persisted = this.#options.machine.getPersistedSnapshot(snapshot);
    return this.#children.started.stateOf(persisted, snapshot, timers, childTimers);
  }

  /** What led to the parts of a state. */
  causes({ snapshot, timerCauses }: MachineMark = this.mark()): Causes {
    const children = Object.values<AnyActorRef | undefined>(snapshot.children);
    return {
      timers: timerCauses,
      children: children.flatMap((child) => {
        const cause = child && this.#children.causeOf(child);
        return child === undefined || cause === undefined ? [] : [[child.id, cause] as const];
      }),
    };
  }

  /** What a persisted state does not hold, of this very moment. */
  ties(): Ties {
    const children = Object.values<AnyActorRef | undefined>(this.snapshot.children);
    return {
      ...this.causes(),
      sends: this.#children.pending(this.snapshot),
      live: children.some((child) => child?.getSnapshot().status === "active"),
      nextTimerUnixMs: [...this.#timers.records(), ...this.#children.timers()].reduce<number | undefined>(
        (next, { dueUnixMs }) => Math.min(next ?? dueUnixMs, dueUnixMs),
        undefined,
      ),
    };
  }

  /**
   * Whether what led to this waiting event brings it about again after a restart: a timer, or
   * a child that runs again and so ends, or shows its state, again.
   */
  remembers(event: AnyEventObject): boolean {
    return this.#timers.hasFired(event) || /^xstate\.(?:(?:done|error)\.actor|snapshot)\./.test(event.type);
  }

  /**
   * Goes on from a persisted state: timers are armed for what is left of them, invoked
   * promises and callbacks run again. Actions do not.
   * @throws CellError ACTOR_SNAPSHOT_INVALID, and nothing is started
   */
  restore(state: unknown, resumption: Resumption & { timerCauses?: Ties["timers"] } = {}): void {
    const { machine } = this.#options;
    const read = readMachineState(state, machine);
    const { snapshot } = this.#scope.decide((scope) => read.restore(scope));
    this.#snapshot = snapshot;
    for (const [index, timer] of read.timers.entries()) {
      this.#timers.arm(timer, resumption.timerCauses?.[index]);
    }
    this.#children.resume(snapshot, read.childTimers, resumption);
  }

  /**
   * The machine's own actions that these events led to, decided once more, each with the number
   * of its event, -1 for the initial state; nothing runs.
   * @param from the state before them; undefined: they began with the initial state
   */
  ownActions(from: unknown, events: readonly AnyEventObject[], input: unknown): readonly OwnAction[] {
    const { machine } = this.#options;
    const read = from === undefined ? undefined : readMachineState(from, machine);
    const first = this.#scope.decide((scope) =>
      read === undefined ? machine.getInitialSnapshot(scope, input) : read.restore(scope),
    );
    const acts = [...own(first.actions, -1)];
    let { snapshot } = first;
    for (const [at, event] of events.entries()) {
      if (delayedEffect(event) !== undefined) continue;
      const before = snapshot;
      const decision = this.#scope.decide((scope) => machine.transition(before, event, scope));
      acts.push(...own(decision.actions, at));
      snapshot = decision.snapshot;
    }
    return acts;
  }

  /** Gives a child an event that an earlier incarnation had decided to send. */
  resend(to: string, event: AnyEventObject, intent: ReceivedIntent | undefined): void {
    const child: AnyActorRef | undefined = this.snapshot.children[to];
    if (child !== undefined) this.#children.send({ to: child, event, intent });
  }

  /** Stops children and timers. Never throws: what a child throws on its way out is only logged. */
  stop(): void {
    this.#timers.cancelAll();
    this.#children.stopDoomed();
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

const own = (actions: readonly MachineAction[], event: number): OwnAction[] =>
  actions
    .filter(({ type }) => !type.startsWith("xstate."))
    .map(({ exec, info, params }) => ({ event, act: () => exec?.(info, params) }));

function isActor(value: unknown): value is AnyActorRef {
  return typeof value === "object" && value !== null && "sessionId" in value;
}
