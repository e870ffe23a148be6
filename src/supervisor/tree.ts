// The supervisor tree of a node: one root that never gives up, and below it the kernel and
// each graph. Finds the supervisor that an operation is for, and changes what runs to
// what should run. Everything that is decided is decided by the supervisors.
import type { ExitReason, Failure } from "../actors/child.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ActorSpec, ChildSpec, Json, SupervisorSpec } from "../manifest/graph.ts";
import { checkSpecs } from "./check-spec.ts";
import { findChild } from "./child-table.ts";
import { escalatedFailure } from "./exit-rules.ts";
import { startFailure } from "./failure.ts";
import { findOwner, findSupervisor } from "./find-owner.ts";
import { inspectChildren, type TreeNode } from "./inspect.ts";
import { matrix as defaultMatrix } from "./matrix.ts";
import type { Answer, ResurrectionMatrix } from "./matrix-rules.ts";
import type { TreePorts } from "./ports.ts";
import { type ReconcileReport, reconcileTree } from "./reconcile.ts";
import { type Operation, type OperationResult, Supervisor } from "./supervisor.ts";
import { TreeMemory } from "./tree-memory.ts";
import { type ChildrenReport, reportChildren } from "./which-children.ts";

/** The graph name that the node's own actors live under. */
const KERNEL = "kernel";

export type TreeOptions = {
  /** In start order; a root at path `kernel` is the node's own. */
  readonly roots: readonly ChildSpec[];
  readonly ports: TreePorts;
  /** The rules that failures are answered by. Default: src/supervisor/matrix.ts. */
  readonly matrix?: ResurrectionMatrix;
  /** Of a tree that has ended: its actors go on from what they knew. */
  readonly memory?: TreeMemory;
  /** The node's own actors cannot be kept up: the process should end and be started anew. */
  readonly onKernelGaveUp?: (failure: Failure, rule: Answer<"kernel">) => void;
};

export type TreeReport = { readonly state: string; readonly roots: readonly TreeNode[] };

/**
 * Starts everything in order. A graph that does not start is kept as a status (`gaveUp`,
 * with its reason) beside the others.
 * @throws CellError SUPERVISOR_START_FAILED when the kernel does not start, SUPERVISOR_SPEC_INVALID
 *   when a specification cannot be kept
 */
export async function startTree(options: TreeOptions): Promise<Tree> {
  const checked = checkSpecs(options.roots);
  if (!checked.ok) throw checked.error;
  const tree = new Tree(options);
  await tree.start();
  return tree;
}

export class Tree {
  readonly #root: Supervisor;
  readonly #ports: TreePorts;
  /** What its actors knew; a tree that takes its place goes on from it. */
  readonly memory: TreeMemory;
  readonly #kernelFailed = Promise.withResolvers<never>();
  readonly #matrix: ResurrectionMatrix;
  readonly #onKernelGaveUp: TreeOptions["onKernelGaveUp"];
  #spec: SupervisorSpec;
  #starting = true;
  #changing: Promise<unknown> = Promise.resolve();

  constructor({ roots, ports, memory, matrix = defaultMatrix, onKernelGaveUp }: TreeOptions) {
    this.memory = memory ?? new TreeMemory(ports.term);
    this.#ports = ports;
    this.#matrix = matrix;
    this.#onKernelGaveUp = onKernelGaveUp;
    this.#spec = rootSpec(roots);
    this.#kernelFailed.promise.catch(() => {});
    const onContained = (path: string, reason: ExitReason) => this.#onContained(path, reason);
    const context = { ports, memory: this.memory, matrix, onContained };
    this.#root = new Supervisor(this.#spec, { term: ports.term ?? 1, activation: 1 }, context);
  }

  async start(): Promise<void> {
    try {
      await Promise.race([this.#root.start(), this.#kernelFailed.promise]);
      this.#starting = false;
    } catch (cause) {
      const failure = startFailure(KERNEL, cause);
      await this.#root.stop(0);
      const what = `${failure.rootActor} failed to start: ${failure.name}: ${failure.message}`;
      const where = failure.rootActor;
      throw new CellError("SUPERVISOR_START_FAILED", what, { where, cause, details: { failure } });
    }
  }

  /** Resolves when `stop` is done. */
  get exited(): Promise<ExitReason> {
    return this.#root.exited;
  }

  /** Plain JSON. */
  inspect(): TreeReport {
    const nowMs = this.#ports.clock.monotonicMs();
    return { state: this.#root.state.phase, roots: inspectChildren(this.#root, nowMs) };
  }

  /** Stops an actor or a whole subtree by hand: it stays down, marked as such, until it is started. */
  stopChild(path: string): Promise<OperationResult> {
    return this.#operate({ type: "admin.stop", path });
  }

  /** Starts what is down; waits for no backoff. */
  startChild(path: string, { fresh = false } = {}): Promise<OperationResult> {
    return this.#operate({ type: "admin.start", path, fresh });
  }

  /** Stops it if it runs and starts it, from its last good snapshot unless `fresh`. Counts as no failure. */
  restartChild(path: string, { fresh = false } = {}): Promise<OperationResult> {
    return this.#operate({ type: "admin.restart", path, fresh });
  }

  /**
   * Starts a child of a dynamic supervisor (`simple_one_for_one`) from its template.
   * @param input null: the template's own
   */
  spawnChild(supervisor: string, name: string, input: Json = null): Promise<OperationResult> {
    const owner = findSupervisor(this.#root, supervisor);
    return owner.ok
      ? owner.value.operate({ type: "admin.spawn", name, input })
      : Promise.resolve(err(owner.error));
  }

  /** Erlang's which_children and count_children. SUPERVISOR_NOT_FOUND, SUPERVISOR_NOT_RUNNING */
  childrenOf(supervisor: string): Result<ChildrenReport, CellError> {
    const found = findSupervisor(this.#root, supervisor);
    return found.ok ? ok(reportChildren(found.value.state)) : found;
  }

  /** What a dynamic supervisor makes its next child from; undefined: there is none here. */
  templateOf(supervisor: string): ActorSpec | undefined {
    const found = findSupervisor(this.#root, supervisor);
    return found.ok ? found.value.state.spec.template : undefined;
  }

  /**
   * Changes what runs to `next`; one call at a time, later ones wait. When a child that is
   * added or changed does not start, what was done is taken back and the error says which.
   * @param restart paths whose change needs a new run; flags of all others change in place
   */
  reconcile(
    next: readonly ChildSpec[],
    { restart = new Set<string>() }: { readonly restart?: ReadonlySet<string> } = {},
  ): Promise<Result<ReconcileReport, CellError>> {
    const result = this.#changing.then(() => this.#reconcile(next, restart));
    this.#changing = result.catch(() => {});
    return result;
  }

  async #reconcile(
    next: readonly ChildSpec[],
    restart: ReadonlySet<string>,
  ): Promise<Result<ReconcileReport, CellError>> {
    const checked = checkSpecs(next);
    if (!checked.ok) return checked;
    const spec = rootSpec(next);
    const result = await reconcileTree(this.#root, this.memory, this.#spec, spec, restart);
    if (result.ok) this.#spec = spec;
    return result;
  }

  /** For drills: one bit of the next snapshot that is kept for this actor changes by itself. */
  damageNextSnapshot(path: string): void {
    this.memory.flipNext(path);
  }

  /** Stops everything in reverse start order within `graceMs`; what has not ended by then is killed. */
  stop(graceMs: number): Promise<ExitReason> {
    return this.#root.stop(graceMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }

  async #operate(operation: Extract<Operation, { path: string }>): Promise<OperationResult> {
    const owner = findOwner(this.#root, operation.path);
    return owner.ok ? owner.value.operate(operation) : err(owner.error);
  }

  #onContained(path: string, reason: ExitReason): void {
    if (path !== KERNEL) return;
    const failure = escalatedFailure(path, reason);
    if (this.#starting)
      this.#kernelFailed.reject(
        new CellError("SUPERVISOR_START_FAILED", undefined, { details: { failure } }),
      );
    else this.#onKernelGaveUp?.(failure, this.#matrix.kernel[failure.class]);
  }

  /** Whether the tree holds this path, running or not. */
  has(path: string): boolean {
    const owner = findOwner(this.#root, path);
    return owner.ok && findChild(owner.value.state.children, path) !== undefined;
  }
}

/** Its limits are for actors directly below it; graphs that give up stay down. */
function rootSpec(children: readonly ChildSpec[]): SupervisorSpec {
  return {
    kind: "supervisor",
    path: "",
    strategy: "one_for_one",
    intensity: 3,
    periodMs: 5_000,
    backoff: { initialMs: 0, maxMs: 0, factor: 1 },
    restart: "permanent",
    children,
  };
}
