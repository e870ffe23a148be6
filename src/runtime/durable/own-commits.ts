// The newest commit of each actor as this process wrote it, so that a restart need not read
// it back. It is no proof of being the newest still: that is what the next commit's
// compare-and-set says. Bounded over all actors: who committed longest ago is read again.

import type { Incarnation } from "../../actors/child.ts";
import type { DurableState } from "../../actors/durable/ports.ts";
import { parseJson } from "../../wire/json-keys.ts";

export type OwnCommit = {
  readonly number: number;
  readonly incarnation: Incarnation;
  /** UTF-8 JSON, as it was written. */
  readonly state: Uint8Array;
};

/** Of states, over all actors. */
const MAX_BYTES = 32 * 1024 * 1024;

const decoder = new TextDecoder();

export class OwnCommits {
  /** In the order of their last commit. */
  readonly #newest = new Map<string, OwnCommit>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get(path: string): OwnCommit | undefined {
    return this.#newest.get(path);
  }

  /** It is kept by the broker. */
  keep(path: string, commit: OwnCommit): void {
    this.drop(path);
    this.#newest.set(path, commit);
    this.#bytes += commit.state.length;
    for (const oldest of this.#newest.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.drop(oldest);
    }
  }

  /** What is kept of it is not known, or of no use. */
  drop(path: string): void {
    this.#bytes -= this.#newest.get(path)?.state.length ?? 0;
    this.#newest.delete(path);
  }
}

/** A copy that nobody else has. The bytes were made from such a state by this process. */
export function stateIn({ state }: OwnCommit): DurableState {
  return parseJson(decoder.decode(state)) as DurableState;
}
