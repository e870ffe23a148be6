// Reads a kernel stream from a sequence on and stays with it: in order, each
// record once, across restarts of the broker, and saying so when the broker has
// less than was read from it before.
import { setTimeout as delay } from "node:timers/promises";
import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream } from "@nats-io/jetstream";
import { CellError } from "../../errors/cell-error.ts";
import { reconnectDelayMs } from "../dial.ts";
import { unlessLost } from "../while-connected.ts";
import { type KernelStream, type StreamRecord, toStreamError } from "./kernel-stream.ts";

export type FollowOptions = {
  /** Sequence to begin with; default 1. */
  readonly fromSequence?: number;
  /** Takes one record; the next waits for it. It verifies; what it throws is told to `onProblem`, and reading goes on. */
  readonly accept: (record: StreamRecord) => void | Promise<void>;
  /** The broker's stream ends before what was read, or is another one: it is read again from the start. */
  readonly onRolledBack?: (state: { readonly lastSequence: number; readonly readSequence: number }) => void;
  readonly onProblem?: (error: CellError) => void;
  readonly signal?: AbortSignal;
};

export interface StreamFollower {
  /** Resolves once all that the stream held at the start has been accepted; rejects when stopped before. */
  readonly caughtUp: Promise<void>;
  /** Sequence of the last record accepted. */
  sequence(): number;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const IDLE_HEARTBEAT_MS = 1_000;
const EXPIRES_MS = 5_000;
const INACTIVE_NS = 30_000_000_000;
const BATCH = 256;

export const follow = (stream: KernelStream, options: FollowOptions): StreamFollower =>
  new Follower(stream, options);

class Follower implements StreamFollower {
  readonly caughtUp: Promise<void>;
  readonly #stream: KernelStream;
  readonly #options: FollowOptions;
  readonly #stopping = new AbortController();
  readonly #caughtUp = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  readonly #unlisten: () => void;
  #sequence: number;
  #created: string | undefined;
  #messages: ConsumerMessages | undefined;
  #reconnected = Promise.withResolvers<void>();

  constructor(stream: KernelStream, options: FollowOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#sequence = (options.fromSequence ?? 1) - 1;
    this.caughtUp = this.#caughtUp.promise;
    this.caughtUp.catch(() => undefined);
    this.#unlisten = stream.connection.onStatus(({ state }) => {
      if (state === "connected") this.#reconnected.resolve();
      else this.#messages?.stop();
    });
    options.signal?.addEventListener("abort", () => void this.stop(), { once: true });
    if (options.signal?.aborted === true) this.#stopping.abort();
    this.#running = this.#run();
  }

  sequence(): number {
    return this.#sequence;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#messages?.stop();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      const before = this.#sequence;
      try {
        await this.#readUntilInterrupted();
        failures = 0;
      } catch (error) {
        failures = this.#sequence > before ? 0 : failures + 1;
        this.#problem(toStreamError(error, this.#stream.name));
      }
      await this.#pause(failures);
    }
    this.#unlisten();
    this.#caughtUp.reject(
      new CellError("BROKER_CLOSED", "reading was stopped", { where: this.#stream.name }),
    );
  }

  async #readUntilInterrupted(): Promise<void> {
    const { connection, name } = this.#stream;
    const { state, created } = await unlessLost(connection, name, async () =>
      (await this.#stream.manager()).streams.info(name),
    );
    this.#checkForRollback(state.last_seq, created);
    if (this.#sequence >= state.last_seq) this.#caughtUp.resolve();
    const consumer = await unlessLost(connection, name, () =>
      jetstream(connection.nats).consumers.get(name, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: this.#sequence + 1,
        inactive_threshold: INACTIVE_NS,
      }),
    );
    const messages = await consumer.consume({
      max_messages: BATCH,
      expires: EXPIRES_MS,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
      abort_on_missing_resource: true,
    });
    this.#messages = messages;
    try {
      if (this.#stopping.signal.aborted || !connection.isConnected()) messages.stop();
      for await (const message of messages) {
        await this.#accept(message);
        if (message.seq >= state.last_seq || message.info.pending === 0) this.#caughtUp.resolve();
        if (this.#stopping.signal.aborted) break;
      }
    } finally {
      this.#messages = undefined;
      messages.stop();
    }
  }

  #checkForRollback(lastSequence: number, created: string): void {
    const another = this.#created !== undefined && this.#created !== created;
    this.#created = created;
    if (!another && lastSequence >= this.#sequence) return;
    const readSequence = this.#sequence;
    this.#sequence = 0;
    this.#options.onRolledBack?.({ lastSequence, readSequence });
  }

  async #accept(message: JsMsg): Promise<void> {
    if (message.seq <= this.#sequence) return;
    const { subject, seq: sequence, data, timestamp } = message;
    try {
      await this.#options.accept({ subject, sequence, data, unixMs: Date.parse(timestamp) });
    } catch (error) {
      this.#problem(error instanceof CellError ? error : handlerFailed(error, subject));
    }
    this.#sequence = sequence;
  }

  /** Waits for the connection, or a moment after a failure. */
  async #pause(failures: number): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (!this.#stream.connection.isConnected()) {
      this.#reconnected = Promise.withResolvers();
      await Promise.race([this.#reconnected.promise, aborted]);
    } else if (failures > 0) {
      await Promise.race([delay(reconnectDelayMs(failures)), aborted]);
    }
  }

  #problem(error: CellError): void {
    this.#options.onProblem?.(error);
  }
}

const handlerFailed = (cause: unknown, where: string): CellError =>
  new CellError("BROKER_HANDLER_FAILED", undefined, { where, cause });
