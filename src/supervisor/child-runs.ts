// The runs of a supervisor's children: each start gets a number, so that news of an older
// run is told from news of the present one. Performs; decides nothing.
import type { ExitReason, Incarnation } from "../actors/child.ts";
import type { ActorSpec, ChildSpec, SupervisorSpec } from "../manifest/graph.ts";
import { startFailure } from "./failure.ts";
import type { RestorableChild } from "./ports.ts";
import type { SupervisorEvent } from "./supervisor-state.ts";
import type { TreeMemory } from "./tree-memory.ts";

type Run = { readonly abort: AbortController; child?: RestorableChild; abandoned: boolean };

export type Starters = {
  actor(
    spec: ActorSpec,
    incarnation: Incarnation,
    snapshot: unknown,
    signal: AbortSignal,
  ): Promise<RestorableChild>;
  supervisor(spec: SupervisorSpec, incarnation: Incarnation, signal: AbortSignal): Promise<RestorableChild>;
};

export class ChildRuns {
  readonly #runs = new Map<number, Run>();
  readonly #memory: TreeMemory;
  readonly #starters: Starters;
  readonly #report: (event: SupervisorEvent) => void;
  #closed = false;

  constructor(memory: TreeMemory, starters: Starters, report: (event: SupervisorEvent) => void) {
    this.#memory = memory;
    this.#starters = starters;
    this.#report = report;
  }

  /** Never rejects: what becomes of it is reported. */
  async start(spec: ChildSpec, number: number, fresh: boolean): Promise<void> {
    const run: Run = { abort: new AbortController(), abandoned: false };
    this.#runs.set(number, run);
    const { path } = spec;
    if (fresh && spec.kind === "supervisor") this.#memory.dropBelow(path);
    const incarnation = this.#memory.nextIncarnation(path);
    const snapshot = fresh || spec.kind === "supervisor" ? undefined : this.#memory.snapshot(path);
    try {
      const child = await this.#launch(spec, incarnation, snapshot, run.abort.signal);
      this.#adopt(child, number, run);
    } catch (thrown) {
      this.#runs.delete(number);
      const failure = startFailure(path, thrown);
      this.#report({
        type: "child.startFailed",
        path,
        run: number,
        failure,
        restoring: snapshot !== undefined,
      });
    }
  }

  #launch(
    spec: ChildSpec,
    incarnation: Incarnation,
    snapshot: unknown,
    signal: AbortSignal,
  ): Promise<RestorableChild> {
    if (spec.kind === "supervisor") return this.#starters.supervisor(spec, incarnation, signal);
    return this.#starters.actor(spec, incarnation, snapshot, signal);
  }

  #adopt(child: RestorableChild, number: number, run: Run): void {
    if (run.abandoned || this.#closed) {
      this.#runs.delete(number);
      child.kill().catch(ignore);
      return;
    }
    run.child = child;
    this.#memory.used(child.path);
    child.exited.then((reason) => this.#onExit(child, number, reason), ignore);
    const { path, incarnation } = child;
    this.#report({ type: "child.started", path, run: number, incarnation });
  }

  #onExit(child: RestorableChild, number: number, reason: ExitReason): void {
    const run = this.#runs.get(number);
    if (run === undefined) return;
    this.#runs.delete(number);
    this.#memory.keepSnapshot(child, reason);
    this.#report({ type: "child.exited", path: child.path, run: number, reason });
  }

  child(number: number): RestorableChild | undefined {
    return this.#runs.get(number)?.child;
  }

  abort(number: number): void {
    this.#runs.get(number)?.abort.abort();
  }

  stop(number: number, graceMs: number): void {
    this.child(number)?.stop(graceMs).catch(ignore);
  }

  kill(number: number): void {
    this.child(number)?.kill().catch(ignore);
  }

  /** Nothing more of this run is reported; should it come up late, it is killed. */
  abandon(number: number): void {
    const run = this.#runs.get(number);
    if (run === undefined) return;
    run.abandoned = true;
    if (run.child !== undefined) this.#runs.delete(number);
  }

  /** The supervisor has ended: whatever is still there goes too. */
  close(): void {
    this.#closed = true;
    for (const { abort, child } of this.#runs.values()) {
      abort.abort();
      child?.kill().catch(ignore);
    }
    this.#runs.clear();
  }
}

/** A child says how it ended by `exited`; the promises of `stop` and `kill` say nothing more. */
function ignore(): void {}
