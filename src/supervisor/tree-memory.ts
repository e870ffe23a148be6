// What outlives a child within the process: how often its path was started, and its last
// good snapshots between two runs, sealed with their hash. Keyed by path, shared by all
// supervisors of a tree.
import type { ExitReason, Incarnation } from "../actors/child.ts";
import { openSnapshot, type SealedSnapshot, sealSnapshot } from "../actors/snapshot-seal.ts";
import type { CellError } from "../errors/cell-error.ts";
import { KeptSnapshots } from "./kept-snapshots.ts";
import type { RestorableChild } from "./ports.ts";

/** Shards do not move yet, so that one term lasts as long as the process. */
const TERM = 1;

/** What a start may go on from, newest first. */
export type Candidate = {
  readonly sealed: SealedSnapshot;
  /** Its value, or why it must not be used. */
  readonly opened: ReturnType<typeof openSnapshot>;
};

export class TreeMemory {
  readonly #activations = new Map<string, number>();
  readonly #kept = new KeptSnapshots();
  readonly #recalled = new Map<string, SealedSnapshot | undefined>();
  readonly #flips = new Set<string>();
  #aside: Map<string, SealedSnapshot | undefined> | undefined;

  /** Rises with every start of the path, also when it was removed in between. */
  nextIncarnation(path: string): Incarnation {
    const activation = (this.#activations.get(path) ?? 0) + 1;
    this.#activations.set(path, activation);
    return { term: TERM, activation };
  }

  /** The next one to go on from; undefined: none is left, the start is a fresh one. */
  candidate(path: string): Candidate | undefined {
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
   * A normal end leaves nothing to go back to: restored, it would end at once again.
   * @returns why the state is not kept, when that is for its size or form
   */
  keepSnapshot(child: RestorableChild, reason: ExitReason): CellError | undefined {
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
    this.#kept.dropBelow(path);
    this.#flips.delete(path);
  }
}

function flipBit(bytes: Uint8Array): void {
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
}
