// Sends the actor's state to the node after what was handled, so that a restart
// goes on from it however the worker or process ended. A large state
// is sent less often, so that writing it takes at most about a tenth of the time.
import type { ActorSnapshot } from "../../actor-host.ts";
import { NO_BYTES } from "../bounded-json.ts";

export const MAX_SNAPSHOT_BYTES = 4 * 1024 * 1024;
/** A smaller state is never put off: what was answered is in it. */
const LARGE_CHARS = 64 * 1024;
const SHARE = 10;

export type StateSenderOptions = {
  /** Undefined: there is none to go on from, and there will be none. */
  readonly read: () => ActorSnapshot | undefined;
  readonly send: (snapshot: Uint8Array) => void;
  readonly tooLarge: (bytes: number) => void;
};

export class StateSender {
  readonly #options: StateSenderOptions;
  #last = "";
  #isNone = false;
  #notBeforeMs = 0;
  #late: NodeJS.Timeout | undefined;

  constructor(options: StateSenderOptions) {
    this.#options = options;
  }

  /** Sends the state unless it is the one that was sent last. @param now also when it is expensive */
  send(now = false): void {
    if (this.#isNone) return;
    const startedMs = performance.now();
    if (!now && startedMs < this.#notBeforeMs) {
      this.#late ??= setTimeout(() => this.send(true), this.#notBeforeMs - startedMs);
      return;
    }
    clearTimeout(this.#late);
    this.#late = undefined;
    const snapshot = this.#options.read();
    const text = snapshot === undefined ? "" : JSON.stringify(snapshot);
    const tookMs = performance.now() - startedMs;
    this.#notBeforeMs = text.length < LARGE_CHARS ? 0 : startedMs + tookMs * SHARE;
    if (text === this.#last) {
      if (text === "") this.#isNone = true;
      return;
    }
    this.#last = text;
    this.#emit(text);
  }

  #emit(text: string): void {
    const bytes = text === "" ? NO_BYTES : new TextEncoder().encode(text);
    this.#isNone = text === "";
    if (bytes.byteLength <= MAX_SNAPSHOT_BYTES) {
      this.#options.send(bytes);
      return;
    }
    this.#isNone = true;
    this.#options.tooLarge(bytes.byteLength);
    this.#options.send(NO_BYTES);
  }
}
