// What outlives a child within the process: how often its path was started and restarted,
// whether it is parked, and its last good snapshots between two runs, sealed with their
// hash. Keyed by path, shared by all supervisors of a tree, so that a supervisor that is
// itself restarted brings its children back with what they knew.
import type { ExitReason, Incarnation } from "../actors/child.ts";
import { openSnapshot, type SealedSnapshot, sealSnapshot } from "../actors/snapshot-seal.ts";
import type { CellError } from "../errors/cell-error.ts";
import { KeptSnapshots } from "./kept-snapshots.ts";
import type { RestorableChild } from "./ports.ts";
import type { Parked, Recalled } from "./supervisor-state.ts";

/** What is parked, by path; a Map will do where nothing outlives the process. */
export type ParkedStore = {
  get(path: string): Parked | undefined;
  set(path: string, parked: Parked): unknown;
  delete(path: string): unknown;
  keys(): Iterable<string>;
};

/** What a start may go on from, newest first. */
export type Candidate = {
  readonly sealed: SealedSnapshot;
  /** Its value, or why it must not be used. */
  readonly opened: ReturnType<typeof openSnapshot>;
};

export class TreeMemory {
  readonly #term: number;
  readonly #activations = new Map<string, number>();
  readonly #kept = new KeptSnapshots();
  readonly #recalled = new Map<string, SealedSnapshot | undefined>();
  readonly #flips = new Set<string>();
  readonly #restarts = new Map<string, number>();
  readonly #parked: ParkedStore;
  /** Their next start is fresh, whatever is kept. */
  readonly #stale = new Set<string>();
  /** Highest activation of paths that are not kept any more. */
  #forgotten = 0;
  #aside: Map<string, SealedSnapshot | undefined> | undefined;

  /** @param term of the process: higher than that of any before */
  constructor(term = 1, parked: ParkedStore = new Map()) {
    this.#term = term;
    this.#parked = parked;
  }

  /** Rises with every start of the path, also when it was removed in between. */
  nextIncarnation(path: string): Incarnation {
    const activation = (this.#activations.get(path) ?? this.#forgotten) + 1;
    this.#activations.set(path, activation);
    return { term: this.#term, activation };
  }

  /** The next one to go on from; undefined: none is left, the start is a fresh one. */
  candidate(path: string): Candidate | undefined {
    if (this.#stale.has(path)) return undefined;
    const sealed = this.#recalled.has(path) ? this.#recalled.get(path) : this.#kept.newest(path);
    return sealed && { sealed, opened: openSnapshot(sealed) };
  }

  /**
   * The candidate is not used: the one before it, if it is still kept and `usePrevious`,
   * is the next one.
   */
  reject(path: string, { usePrevious }: { readonly usePrevious: boolean }): void {
    this.#recalled.delete(path);
    this.#kept.dropNewest(path);
    const before = this.#kept.before(path);
    this.#kept.dropBefore(path);
    if (usePrevious && before !== undefined) this.#kept.keep(path, before);
  }

  /**
   * A normal end leaves nothing to go back to: restored, it would end at once again. Of two
   * runs of a path that overlap, the later one's counts.
   * @returns why the state is not kept, when that is for its size or form
   */
  keepSnapshot(child: RestorableChild, reason: ExitReason): CellError | undefined {
    if (this.#activations.get(child.path) !== child.incarnation.activation) return undefined;
    const snapshot = reason.kind === "normal" ? undefined : child.lastGoodSnapshot?.();
    const sealed = snapshot === undefined ? undefined : sealSnapshot(snapshot);
    if (sealed?.ok !== true) {
      this.#kept.drop(child.path);
      return sealed?.error;
    }
    this.#kept.keep(child.path, sealed.value);
    if (this.#flips.delete(child.path)) flipBit(sealed.value.bytes);
    return undefined;
  }

  /** For drills: one bit of the next snapshot that is kept for this path changes by itself. */
  flipNext(path: string): void {
    this.#flips.add(path);
  }

  /**
   * The child is up. While a change is made its snapshot is kept aside, for taking back.
   * @param restored whether it went on from the snapshot; after a fresh start none is kept
   */
  used(path: string, restored: boolean): void {
    if (this.#aside !== undefined && !this.#aside.has(path)) this.#aside.set(path, this.#kept.newest(path));
    if (restored) this.#kept.used(path);
    else this.#kept.drop(path);
    this.#recalled.delete(path);
    this.#stale.delete(path);
  }

  recall(path: string): Recalled {
    return { restarts: this.#restarts.get(path) ?? 0, parked: this.#parked.get(path) };
  }

  counted(path: string, restarts: number): void {
    this.#restarts.set(path, restarts);
  }

  park(path: string, parked: Parked): void {
    this.#parked.set(path, parked);
  }

  unpark(path: string): void {
    this.#parked.delete(path);
  }

  /** What it knew means nothing to its next run. */
  startFresh(path: string): void {
    this.#stale.add(path);
  }

  beginChange(): void {
    this.#aside = new Map();
  }

  endChange(): void {
    this.#aside = undefined;
    this.#recalled.clear();
  }

  /** The next start of the path goes from the snapshot that it had before the change. */
  recallSnapshot(path: string): void {
    this.#stale.delete(path);
    if (this.#aside?.has(path) === true) this.#recalled.set(path, this.#aside.get(path));
  }

  /** Drops the snapshots of a path and of all below it. */
  dropBelow(path: string): void {
    this.#kept.dropBelow(path);
    this.#flips.delete(path);
  }

  /** An actor left for good. A later one of its path still has a higher incarnation. */
  forget(path: string): void {
    this.#forgotten = Math.max(this.#forgotten, this.#activations.get(path) ?? 0);
    this.#kept.drop(path);
    for (const kept of [this.#activations, this.#restarts, this.#parked, this.#flips, this.#stale])
      kept.delete(path);
  }

  /** A supervisor left for good, with all below it. */
  forgetBelow(path: string): void {
    this.dropBelow(path);
    const prefix = `${path}/`;
    for (const kept of [this.#restarts, this.#parked, this.#stale])
      for (const key of kept.keys()) if (key === path || key.startsWith(prefix)) kept.delete(key);
  }
}

function flipBit(bytes: Uint8Array): void {
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
}
