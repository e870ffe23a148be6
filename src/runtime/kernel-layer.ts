// Layer 3: the node's whole actor system, torn down and built anew inside its
// process. Connections and subscriptions stay; actors go on from their last good
// snapshots; what arrives meanwhile waits for them. When that fails, or is needed
// too often, the process is to end, and layer 4 takes over.
import type { Failure } from "../actors/child.ts";
import { CellError } from "../errors/cell-error.ts";
import type { Answer } from "../supervisor/matrix-rules.ts";
import type { Tree } from "../supervisor/tree.ts";
import type { TreeMemory } from "../supervisor/tree-memory.ts";
import type { EventInput } from "../telemetry/event.ts";
import { rebuildsByHand } from "./drilled.ts";

export type KernelLayerPorts = {
  /** Starts a tree of what should run now; with the memory of the one before. */
  readonly start: (memory: TreeMemory | undefined) => Promise<Tree>;
  /** The new tree is up. */
  readonly started: (tree: Tree) => Promise<void>;
  /** Actors that run. */
  readonly actors: () => number;
  readonly record: (event: EventInput) => void;
  /** Whether what lies below the actors still works, as far as can be told. */
  readonly isSound: () => Promise<boolean>;
  readonly onFatal: (error: CellError) => void;
};

/** Beyond this, what was asked for by hand is refused: it would be a spin. */
const BY_HAND = { restarts: rebuildsByHand, periodMs: 60_000 } as const;

export class KernelLayer {
  readonly #ports: KernelLayerPorts;
  #tree: Tree | undefined;
  #rebuilding: Promise<void> | undefined;
  #rebuilds: number[] = [];
  #stopping = false;

  constructor(ports: KernelLayerPorts) {
    this.#ports = ports;
  }

  get tree(): Tree | undefined {
    return this.#tree;
  }

  async start(): Promise<Tree> {
    const tree = await this.#ports.start(undefined);
    this.#tree = tree;
    return tree;
  }

  /** The supervisor of the node's own actors cannot keep them up. */
  gaveUp(failure: Failure, rule: Answer<"kernel">): void {
    void this.#answer("the kernel gave up", failure, rule);
  }

  /**
   * Something failed that no actor is named for: it is taken for the kernel's. What it tore
   * through may lie below the actors, so that is looked at once they are built anew.
   */
  strayed(failure: Failure, rule: Answer<"kernel">): void {
    if (this.#stopping) return;
    void this.#answer("no actor is named for it", failure, rule)?.then(() => this.#requireSound(failure));
  }

  /** Undefined: the process is to end. */
  #answer(what: string, failure: Failure, rule: Answer<"kernel">): Promise<void> | undefined {
    const { name, message, rootActor: where } = failure;
    const cause = `${what}: ${name}: ${message}`;
    const counting = rule.kind === "rule" && rule.counting !== "intensity" ? rule.counting : undefined;
    const rebuilds = rule.kind === "rule" && rule.action === "rebuild-kernel" && counting !== undefined;
    if (rebuilds && this.#mayRebuild(counting)) return this.#rebuild(cause, failure);
    this.#ports.onFatal(new CellError("SUPERVISOR_START_FAILED", cause, { where }));
    return undefined;
  }

  async #requireSound({ name, message }: Failure): Promise<void> {
    if (this.#stopping || (await this.#ports.isSound()) || this.#stopping) return;
    const what = `what lies below the actors did not survive: ${name}: ${message}`;
    this.#ports.onFatal(new CellError("SUPERVISOR_START_FAILED", what));
  }

  /** By hand; returns at once. Throws CELL_STOPPING, CELL_KERNEL_REBUILT_TOO_OFTEN. */
  rebuild(): void {
    if (this.#stopping || this.#tree === undefined) throw new CellError("CELL_STOPPING");
    if (this.#rebuilding !== undefined) return;
    if (!this.#mayRebuild(BY_HAND)) throw new CellError("CELL_KERNEL_REBUILT_TOO_OFTEN");
    // Whoever asked through an actor of this tree is answered first.
    setImmediate(() => setImmediate(() => void this.#rebuild("asked", undefined)));
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await this.#rebuilding;
    await this.#tree?.stop(graceMs);
  }

  #mayRebuild({ restarts, periodMs }: { readonly restarts: number; readonly periodMs: number }): boolean {
    const now = performance.now();
    this.#rebuilds = [...this.#rebuilds.filter((at) => now - at < periodMs), now];
    return this.#rebuilds.length <= restarts;
  }

  #rebuild(cause: string, failure: Failure | undefined): Promise<void> {
    this.#rebuilding ??= this.#replace(cause, failure).finally(() => {
      this.#rebuilding = undefined;
    });
    return this.#rebuilding;
  }

  async #replace(cause: string, failure: Failure | undefined): Promise<void> {
    const startedAtMs = performance.now();
    const before = this.#tree;
    if (this.#stopping || before === undefined) return;
    try {
      await before.stop(0);
      const tree = await this.#ports.start(before.memory);
      this.#tree = tree;
      const elapsedUs = Math.round((performance.now() - startedAtMs) * 1_000);
      const value = {
        cause,
        actors: this.#ports.actors(),
        elapsedUs,
        failure: failure?.class ?? "unspecified",
      };
      this.#ports.record({ kind: { case: "kernelRebuilt", value } });
      await this.#ports.started(tree);
    } catch (error) {
      const what = "the kernel could not be built anew";
      this.#ports.onFatal(new CellError("SUPERVISOR_START_FAILED", what, { cause: error }));
    }
  }
}
