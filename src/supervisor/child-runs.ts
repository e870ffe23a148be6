// The runs of a supervisor's children: each start gets a number, so that news of an older
// run is told from news of the present one. Performs; decides nothing.
import type { ExitReason, Incarnation } from "../actors/child.ts";
import type { CellError } from "../errors/cell-error.ts";
import type { ActorSpec, ChildSpec, SupervisorSpec } from "../manifest/graph.ts";
import { startFailure } from "./failure.ts";
import { IGNORED, type RestorableChild, type Started, type TreePorts } from "./ports.ts";
import { notKeptRecord } from "./records.ts";
import { saysBadSnapshot, setAside } from "./set-aside.ts";
import type { Resume, SupervisorEvent } from "./supervisor-state.ts";
import type { TreeMemory } from "./tree-memory.ts";

type Run = { readonly abort: AbortController; child?: RestorableChild; abandoned: boolean };

export type Starters = {
  actor(
    spec: ActorSpec,
    incarnation: Incarnation,
    snapshot: unknown,
    signal: AbortSignal,
  ): Started | Promise<Started>;
  supervisor(spec: SupervisorSpec, incarnation: Incarnation, signal: AbortSignal): Promise<RestorableChild>;
};

type Launching = {
  readonly incarnation: Incarnation;
  readonly fresh: boolean;
  readonly signal: AbortSignal;
  /** Whether it is a snapshot that the child comes up from. */
  readonly attempt: { restoring: boolean };
};

export class ChildRuns {
  readonly #runs = new Map<number, Run>();
  readonly #memory: TreeMemory;
  readonly #starters: Starters;
  readonly #ports: Pick<TreePorts, "record" | "quarantine">;
  readonly #report: (event: SupervisorEvent) => void;
  #closed = false;

  constructor(
    memory: TreeMemory,
    starters: Starters,
    ports: Pick<TreePorts, "record" | "quarantine">,
    report: (event: SupervisorEvent) => void,
  ) {
    this.#memory = memory;
    this.#starters = starters;
    this.#ports = ports;
    this.#report = report;
  }

  /**
   * Never throws: what becomes of it is reported, within this call when the child is up at once.
   * So a group comes up in one turn, in order.
   */
  start(spec: ChildSpec, number: number, resume: Resume): void {
    const run: Run = { abort: new AbortController(), abandoned: false };
    this.#runs.set(number, run);
    const { path } = spec;
    const fresh = resume === "nothing";
    if (fresh && spec.kind === "supervisor") this.#memory.dropBelow(path);
    const incarnation = this.#memory.nextIncarnation(path);
    const { signal } = run.abort;
    const attempt = { restoring: false };
    const up = (child: Started) => {
      if (child === IGNORED) this.#onIgnored(path, number);
      else this.#adopt(child, number, run, attempt.restoring);
    };
    const failed = (thrown: unknown) => {
      this.#runs.delete(number);
      const failure = startFailure(path, thrown);
      this.#report({ type: "child.startFailed", path, run: number, failure, ...attempt });
    };
    const begin = () =>
      spec.kind === "supervisor"
        ? this.#starters.supervisor(spec, incarnation, signal)
        : this.#launch(spec, { incarnation, fresh, signal, attempt });
    settle(begin, up, failed);
  }

  /** From the newest snapshot that is good; those that are not are set aside on the way. */
  #launch(spec: ActorSpec, launching: Launching): Started | Promise<Started> {
    const { incarnation, fresh, signal, attempt } = launching;
    const candidate = fresh ? undefined : this.#memory.candidate(spec.path);
    attempt.restoring = candidate?.opened.ok === true;
    if (candidate === undefined) return this.#starters.actor(spec, incarnation, undefined, signal);
    const orNext = (bad: CellError): Started | Promise<Started> => {
      attempt.restoring = false;
      setAside(spec, candidate.sealed, bad, this.#memory, this.#ports);
      return this.#launch(spec, launching);
    };
    if (!candidate.opened.ok) return orNext(candidate.opened.error);
    const { value } = candidate.opened;
    const unlessBad = (thrown: unknown) => {
      if (saysBadSnapshot(thrown)) return orNext(thrown);
      throw thrown;
    };
    return recovered(() => this.#starters.actor(spec, incarnation, value, signal), unlessBad);
  }

  #onIgnored(path: string, number: number): void {
    this.#runs.delete(number);
    this.#report({ type: "child.ignored", path, run: number });
  }

  #adopt(child: RestorableChild, number: number, run: Run, restored: boolean): void {
    const { path, incarnation } = child;
    // Also of one that nobody waits for any more: the run after it goes on from what it knew.
    child.exited.then((reason) => this.#onExit(child, number, reason), ignore);
    if (run.abandoned || this.#closed) {
      this.#runs.delete(number);
      child.kill().catch(ignore);
      return;
    }
    run.child = child;
    this.#memory.used(path, restored);
    this.#report({ type: "child.started", path, run: number, incarnation });
  }

  #onExit(child: RestorableChild, number: number, reason: ExitReason): void {
    const notKept = this.#memory.keepSnapshot(child, reason);
    if (notKept !== undefined) this.#ports.record(notKeptRecord(child, notKept));
    if (!this.#runs.delete(number)) return;
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

/** What is there at once is told at once. What `up` or `failed` throw is thrown. */
function settle<T>(
  begin: () => T | Promise<T>,
  up: (value: T) => void,
  failed: (thrown: unknown) => void,
): void {
  let begun: T | Promise<T>;
  try {
    begun = begin();
  } catch (thrown) {
    failed(thrown);
    return;
  }
  if (begun instanceof Promise) begun.then(up).catch(failed);
  else up(begun);
}

/** `catch`, for what may be there at once. */
function recovered<T>(begin: () => T | Promise<T>, otherwise: (thrown: unknown) => T | Promise<T>) {
  try {
    const begun = begin();
    return begun instanceof Promise ? begun.catch(otherwise) : begun;
  } catch (thrown) {
    return otherwise(thrown);
  }
}
