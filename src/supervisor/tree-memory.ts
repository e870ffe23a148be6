// What outlives a child within the process: how often its path was started, and its last
// good snapshot between two runs. Keyed by path, shared by all supervisors of a tree.
import type { ExitReason, Incarnation } from "../actors/child.ts";
import type { RestorableChild } from "./ports.ts";

/** Shards do not move yet, so that one term lasts as long as the process. */
const TERM = 1;

export class TreeMemory {
  readonly #activations = new Map<string, number>();
  readonly #snapshots = new Map<string, unknown>();
  readonly #recalled = new Map<string, unknown>();
  #aside: Map<string, unknown> | undefined;

  /** Rises with every start of the path, also when it was removed in between. */
  nextIncarnation(path: string): Incarnation {
    const activation = (this.#activations.get(path) ?? 0) + 1;
    this.#activations.set(path, activation);
    return { term: TERM, activation };
  }

  snapshot(path: string): unknown {
    return this.#recalled.has(path) ? this.#recalled.get(path) : this.#snapshots.get(path);
  }

  /** A normal end leaves nothing to go back to: restored, it would end at once again. */
  keepSnapshot(child: RestorableChild, reason: ExitReason): void {
    const snapshot = reason.kind === "normal" ? undefined : child.lastGoodSnapshot?.();
    if (snapshot === undefined) this.#snapshots.delete(child.path);
    else this.#snapshots.set(child.path, snapshot);
  }

  /** The child that was to have it is up. While a change is made it is kept aside, for taking back. */
  used(path: string): void {
    if (this.#aside !== undefined && !this.#aside.has(path)) this.#aside.set(path, this.#snapshots.get(path));
    this.#snapshots.delete(path);
    this.#recalled.delete(path);
  }

  beginChange(): void {
    this.#aside = new Map();
  }

  endChange(): void {
    this.#aside = undefined;
    this.#recalled.clear();
  }

  /** The next start of the path goes from the snapshot that it had before the change. */
  recall(path: string): void {
    if (this.#aside?.has(path) === true) this.#recalled.set(path, this.#aside.get(path));
  }

  /** Drops the snapshots of a path and of all below it. */
  dropBelow(path: string): void {
    this.#snapshots.delete(path);
    const prefix = `${path}/`;
    for (const key of this.#snapshots.keys()) if (key.startsWith(prefix)) this.#snapshots.delete(key);
  }
}
