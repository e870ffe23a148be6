// The last two good snapshots of each path, as sealed bytes: the newest is what a restart
// goes on from, the one before it is the fallback when the newest is damaged. What is held
// for fallback is bounded over all paths: the path that needed it longest ago loses it.
import type { SealedSnapshot } from "../actors/snapshot-seal.ts";

/** Bytes held for fallback, over all actors of the tree. */
const MAX_FALLBACK_BYTES = 64 * 1024 * 1024;

export class KeptSnapshots {
  readonly #newest = new Map<string, SealedSnapshot>();
  /** In the order of their last change. */
  readonly #before = new Map<string, SealedSnapshot>();
  readonly #maxFallbackBytes: number;
  #fallbackBytes = 0;

  constructor(maxFallbackBytes = MAX_FALLBACK_BYTES) {
    this.#maxFallbackBytes = maxFallbackBytes;
  }

  newest(path: string): SealedSnapshot | undefined {
    return this.#newest.get(path);
  }

  before(path: string): SealedSnapshot | undefined {
    return this.#before.get(path);
  }

  /** A run has ended with this state. */
  keep(path: string, snapshot: SealedSnapshot): void {
    this.#newest.set(path, snapshot);
  }

  /** A run went on from the newest, which is the one before from now on. */
  used(path: string): void {
    const newest = this.#newest.get(path);
    if (newest === undefined) return;
    this.#newest.delete(path);
    this.#setBefore(path, newest);
  }

  dropNewest(path: string): void {
    this.#newest.delete(path);
  }

  dropBefore(path: string): void {
    this.#fallbackBytes -= this.#before.get(path)?.bytes.length ?? 0;
    this.#before.delete(path);
  }

  drop(path: string): void {
    this.dropNewest(path);
    this.dropBefore(path);
  }

  /** Drops a path and all below it. */
  dropBelow(path: string): void {
    const prefix = `${path}/`;
    for (const key of new Set([...this.#newest.keys(), ...this.#before.keys()]))
      if (key === path || key.startsWith(prefix)) this.drop(key);
  }

  #setBefore(path: string, snapshot: SealedSnapshot): void {
    this.dropBefore(path);
    this.#before.set(path, snapshot);
    this.#fallbackBytes += snapshot.bytes.length;
    for (const oldest of this.#before.keys()) {
      if (this.#fallbackBytes <= this.#maxFallbackBytes) return;
      this.dropBefore(oldest);
    }
  }
}
