// Tells whether the Rust core is there and of this version: an open health
// stream ends the moment that the core dies, and a handshake on each new
// connection says which core it is. The node refuses work whenever the state is
// not "serving".
import { setTimeout as delay } from "node:timers/promises";
import { type ClientReadableStream, Metadata } from "@grpc/grpc-js";
import { CellError } from "../../errors/cell-error.ts";
import type { CoreClient } from "./core-client.ts";
import { toCoreError } from "./core-errors.ts";
import { decodeHealthResponse, encodeHealthRequest, HEALTH_WATCH } from "./health.ts";

export type CoreStatus =
  | { readonly state: "connecting" }
  | { readonly state: "serving"; readonly version: string; readonly voteKey: Uint8Array }
  | { readonly state: "down"; readonly error: CellError };

export type WatchCoreOptions = {
  readonly client: CoreClient;
  /** Called for each change of state or of the error's code. Must not throw. */
  readonly onStatus: (status: CoreStatus) => void;
  readonly signal?: AbortSignal;
};

export interface CoreWatch {
  status(): CoreStatus;
  /** Resolves when the core serves; rejects with the signal's reason. */
  untilServing(signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Between attempts while it is down: short, for an attempt on a local socket costs microseconds. */
const RETRY_MS = 100;
const HANDSHAKE_TIMEOUT_MS = 1_000;

export const watchCore = (options: WatchCoreOptions): CoreWatch => new Watch(options);

class Watch implements CoreWatch {
  readonly #options: WatchCoreOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  readonly #waiting = new Set<() => void>();
  #status: CoreStatus = { state: "connecting" };

  constructor(options: WatchCoreOptions) {
    this.#options = options;
    options.signal?.addEventListener("abort", () => this.#stopping.abort(), { once: true });
    if (options.signal?.aborted === true) this.#stopping.abort();
    this.#running = this.#run();
  }

  status(): CoreStatus {
    return this.#status;
  }

  async untilServing(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#status.state === "serving") return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => reject(signal?.reason);
    this.#waiting.add(resolve);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      this.#waiting.delete(resolve);
      signal?.removeEventListener("abort", abort);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#watchOnce(signal);
      } catch (error) {
        if (!signal.aborted)
          this.#tell({ state: "down", error: toCoreError(error, this.#options.client.where) });
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Ends with a throw when the core goes away, stops serving or is of another version. */
  async #watchOnce(signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const { coreVersion, voteKey } = await client.handshake({ timeoutMs: HANDSHAKE_TIMEOUT_MS, signal });
    const stream: ClientReadableStream<boolean> = client.grpc.makeServerStreamRequest(
      HEALTH_WATCH,
      encodeHealthRequest,
      decodeHealthResponse,
      "",
      new Metadata(),
    );
    const cancel = (): void => stream.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      for await (const serving of stream) {
        if (serving !== true)
          throw new CellError("CORE_UNAVAILABLE", "the core does not serve now", { where: client.where });
        this.#tell({ state: "serving", version: coreVersion, voteKey });
      }
      throw new CellError("CORE_UNAVAILABLE", "the core has ended", { where: client.where });
    } finally {
      signal.removeEventListener("abort", cancel);
      stream.on("error", () => undefined);
      stream.cancel();
    }
  }

  #tell(status: CoreStatus): void {
    const before = this.#status;
    this.#status = status;
    if (status.state === "serving") for (const resolve of this.#waiting) resolve();
    const sameFault =
      before.state === "down" && status.state === "down" && before.error.code === status.error.code;
    if (sameFault || (before.state === "serving" && status.state === "serving")) return;
    this.#options.onStatus(status);
  }
}
