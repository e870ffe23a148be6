// The shell of a supervisor: runs its actor, performs the effects that `decide` asks
// for and reports back what came of them. To its parent it is a child like any other.
// It takes no decision of its own.
import { type Actor, createActor } from "xstate";
import type { Child, ExitReason, Incarnation } from "../actors/child.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ChildSpec, Json, SupervisorSpec } from "../manifest/graph.ts";
import { ChildRuns } from "./child-runs.ts";
import { ChildStartError, kernelFailure } from "./failure.ts";
import type { ResurrectionMatrix } from "./matrix-rules.ts";
import type { TreePorts } from "./ports.ts";
import { supervisorLogic } from "./supervisor-logic.ts";
import {
  type Effect,
  initialState,
  type Refusal,
  type SupervisorEvent,
  type SupervisorState,
} from "./supervisor-state.ts";
import type { TreeMemory } from "./tree-memory.ts";

export type Operation =
  | { readonly type: "admin.start" | "admin.restart"; readonly path: string; readonly fresh: boolean }
  | { readonly type: "admin.stop"; readonly path: string }
  | { readonly type: "admin.delete"; readonly path: string; readonly stop: boolean }
  | { readonly type: "admin.add"; readonly spec: ChildSpec }
  | { readonly type: "admin.spawn"; readonly name: string; readonly input: Json }
  | { readonly type: "admin.replace"; readonly spec: ChildSpec; readonly fresh: boolean }
  | { readonly type: "specs.changed"; readonly spec: SupervisorSpec };

export type OperationResult = Result<void, CellError>;

export type SupervisorContext = {
  readonly ports: TreePorts;
  readonly memory: TreeMemory;
  readonly matrix: ResurrectionMatrix;
  /** For the root: hears of each child whose end is kept as a status. */
  readonly onContained?: (path: string, reason: ExitReason) => void;
};

/** Of starts and stops in one turn of the event loop: a group of hundreds must not hold up its siblings. */
const TURN_MS = 2;

const isLong = ({ type }: Effect): boolean => type === "startChild" || type === "stopChild";

export class Supervisor implements Child {
  readonly path: string;
  readonly incarnation: Incarnation;
  readonly exited: Promise<ExitReason>;
  readonly #context: SupervisorContext;
  readonly #actor: Actor<typeof supervisorLogic>;
  readonly #runs: ChildRuns;
  readonly #timers = new Map<string, () => void>();
  readonly #operations = new Map<number, (result: OperationResult) => void>();
  readonly #nested = new Map<string, Supervisor>();
  readonly #started = Promise.withResolvers<void>();
  readonly #exit = Promise.withResolvers<ExitReason>();
  readonly #effects: Effect[] = [];
  #performing = false;
  /** When the present turn has had its share of starts and stops; undefined: none was in it yet. */
  #turnUntilMs: number | undefined;
  #lastOperation = 0;
  #ended = false;

  constructor(spec: SupervisorSpec, incarnation: Incarnation, context: SupervisorContext) {
    this.path = spec.path;
    this.incarnation = incarnation;
    this.exited = this.#exit.promise;
    this.#context = context;
    this.#runs = new ChildRuns(
      context.memory,
      {
        actor: (...given) => context.ports.startChild(...given),
        supervisor: (...given) => this.#startNested(...given),
      },
      context.ports,
      (event) => this.#send(event),
    );
    const contains = context.onContained !== undefined;
    const recall = (path: string) => context.memory.recall(path);
    const initial = initialState(spec, { contains, matrix: context.matrix, recall });
    this.#actor = createActor(supervisorLogic, { input: { initial }, id: spec.path || "root" });
    this.#actor.subscribe({ error: (thrown) => this.#break(thrown) });
    this.#started.promise.catch(() => {});
    this.#actor.start();
  }

  /**
   * Starts the children in order; resolves when the last one is up.
   * @throws ChildStartError with the child's failure, once those before it are stopped in reverse
   */
  async start(signal?: AbortSignal): Promise<void> {
    const giveIn = () => void this.kill();
    signal?.addEventListener("abort", giveIn, { once: true });
    this.#send({ type: "supervisor.start" });
    try {
      await this.#started.promise;
    } finally {
      signal?.removeEventListener("abort", giveIn);
    }
  }

  get state(): SupervisorState {
    return this.#actor.getSnapshot().context.supervisor;
  }

  /** The latest supervisor at a child's path, also one that is down: it knows why. */
  nested(path: string): Supervisor | undefined {
    return this.#nested.get(path);
  }

  /** Stops the children in reverse start order, each within its own shutdown time, all within `graceMs`. */
  stop(graceMs: number): Promise<ExitReason> {
    this.#send({ type: "supervisor.stop", graceMs, reason: { kind: "shutdown" } });
    return this.exited;
  }

  kill(): Promise<ExitReason> {
    this.#send({ type: "supervisor.stop", graceMs: 0, reason: { kind: "killed" } });
    return this.exited;
  }

  /** Resolves when it is done: for a start, when the child is up. Never rejects. */
  operate(operation: Operation): Promise<OperationResult> {
    if (this.#ended) return Promise.resolve(err(this.#notRunning()));
    const op = ++this.#lastOperation;
    const { promise, resolve } = Promise.withResolvers<OperationResult>();
    this.#operations.set(op, resolve);
    this.#send({ ...operation, op });
    return promise;
  }

  #send(event: SupervisorEvent): void {
    if (this.#ended) return;
    const { ports } = this.#context;
    const { clock } = ports;
    const at = { unixMs: clock.unixMs(), monotonicMs: clock.monotonicMs(), random: ports.random() };
    this.#actor.send({ ...event, at });
    // Where the decision itself failed it has none.
    if (this.#ended) return;
    for (const effect of this.#actor.getSnapshot().context.effects) this.#effects.push(effect);
    if (!this.#performing) this.#performAll();
  }

  /**
   * In the order asked for, outside of the decision: what an effect leads to at once comes after it.
   * Children come and go for so long in one turn of the event loop; then others have theirs.
   */
  #performAll(): void {
    this.#performing = true;
    try {
      for (let next = this.#effects[0]; next !== undefined; next = this.#effects[0]) {
        if (isLong(next) && this.#isTurnOver()) {
          setImmediate(() => this.#performAll());
          return;
        }
        this.#effects.shift();
        this.#perform(next);
      }
    } catch (thrown) {
      this.#break(thrown);
    }
    this.#performing = false;
  }

  #isTurnOver(): boolean {
    const nowMs = this.#context.ports.clock.monotonicMs();
    if (this.#turnUntilMs === undefined) {
      this.#turnUntilMs = nowMs + TURN_MS;
      setImmediate(() => {
        this.#turnUntilMs = undefined;
      });
    }
    return nowMs > this.#turnUntilMs;
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "startChild":
        this.#runs.start(effect.spec, effect.run, effect.resume);
        break;
      case "abortStart":
        this.#runs.abort(effect.run);
        break;
      case "stopChild":
        this.#runs.stop(effect.run, effect.graceMs);
        break;
      case "killChild":
        this.#runs.kill(effect.run);
        break;
      case "abandonChild":
        this.#runs.abandon(effect.run);
        break;
      case "schedule":
        this.#schedule(effect);
        break;
      case "cancel":
        this.#cancel(`${effect.timer} ${effect.path}`);
        break;
      case "record":
        this.#context.ports.record(effect.input);
        break;
      case "settle":
        this.#settle(effect.op, effect.refusal);
        break;
      case "forget":
        this.#forget(effect.path);
        break;
      case "down":
        this.#context.ports.down?.(effect.path);
        break;
      case "park":
        this.#context.memory.park(effect.path, effect.parked);
        break;
      case "unpark":
        this.#context.memory.unpark(effect.path);
        break;
      case "counted":
        this.#context.memory.counted(effect.path, effect.restarts);
        break;
      case "contained":
        this.#context.onContained?.(effect.path, effect.reason);
        break;
      case "ready":
        this.#started.resolve();
        break;
      case "ended":
        this.#end(effect.reason);
        break;
    }
  }

  async #startNested(
    spec: SupervisorSpec,
    incarnation: Incarnation,
    signal: AbortSignal,
  ): Promise<Supervisor> {
    const { ports, memory, matrix } = this.#context;
    const supervisor = new Supervisor(spec, incarnation, { ports, memory, matrix });
    this.#nested.set(spec.path, supervisor);
    await supervisor.start(signal);
    return supervisor;
  }

  #forget(path: string): void {
    const { memory } = this.#context;
    if (this.#nested.delete(path)) memory.forgetBelow(path);
    else memory.forget(path);
  }

  #schedule({ timer, path, run, delayMs }: Extract<Effect, { type: "schedule" }>): void {
    const key = `${timer} ${path}`;
    this.#cancel(key);
    const fire = () => {
      this.#timers.delete(key);
      this.#send({ type: "timer.fired", timer, path, run });
    };
    this.#timers.set(key, this.#context.ports.clock.setTimer(delayMs, fire));
  }

  #cancel(key: string): void {
    this.#timers.get(key)?.();
    this.#timers.delete(key);
  }

  #settle(op: number, refusal: Refusal | undefined): void {
    const resolve = this.#operations.get(op);
    this.#operations.delete(op);
    resolve?.(refusal === undefined ? ok(undefined) : err(refusalError(refusal)));
  }

  /** The decisions themselves failed: a bug. The children go down and the parent takes over. */
  #break(thrown: unknown): void {
    this.#end({ kind: "failed", failure: kernelFailure(this.path, thrown) });
  }

  #end(reason: ExitReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#runs.close();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    for (const resolve of this.#operations.values()) resolve(err(this.#notRunning()));
    this.#operations.clear();
    const aborted = new Error(`it was ended (${reason.kind}) while it started`);
    const failure = reason.kind === "failed" ? reason.failure : kernelFailure(this.path, aborted);
    this.#started.reject(new ChildStartError(failure));
    this.#exit.resolve(reason);
  }

  #notRunning(): CellError {
    const where = this.path || "the tree";
    return new CellError("SUPERVISOR_NOT_RUNNING", `supervisor ${where} has ended`, { where });
  }
}

function refusalError({ code, what, failure }: Refusal): CellError {
  return new CellError(code, what, failure && { where: failure.rootActor, details: { failure } });
}
