// One connection to the broker, with what nats.js leaves open: a throw in a
// handler does not stop its reader, what is sent while the broker is away is
// buffered up to a bound instead of being dropped in silence, and every failure
// has a code. It verifies nothing: bytes in, bytes out.
import {
  createInbox,
  errors,
  type Msg,
  type NatsConnection,
  type Status,
  type Subscription,
} from "@nats-io/nats-core";
import { CellError } from "../errors/cell-error.ts";
import { requireVersion } from "./broker/version.ts";
import { type DialOptions, dial } from "./dial.ts";
import { toBrokerError } from "./nats-errors.ts";
import { createReconnectBuffer, type ReconnectBuffer } from "./reconnect-buffer.ts";
import { turned } from "./turn.ts";

export type BrokerStatus =
  | { readonly state: "connected"; readonly server: string; readonly version: string }
  /** Lost; it is being made again, for ever. */
  | { readonly state: "disconnected" }
  | { readonly state: "reconnecting"; readonly attempt: number }
  /** Final. With an error when this side did not ask for it. */
  | { readonly state: "closed"; readonly error?: CellError };

export type ConnectOptions = DialOptions & {
  /** Called in order, for each change after the first connection too. Must not throw. */
  readonly onStatus?: (status: BrokerStatus) => void;
  /** A refused subject, a handler that threw, a slow consumer: the connection lives on. */
  readonly onProblem?: (error: CellError) => void;
  /** Bytes kept while the broker is away; default 4 MiB, and at most 16,384 messages. */
  readonly maxBufferedBytes?: number;
};

/** A message as it came. */
export type BrokerMessage = {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply?: string;
  readonly headers?: { get(name: string): string; readonly code: number };
};

/** Hears of each subject that these credentials may not publish to. Must not throw. */
export type RefusalListener = (subject: string, error: CellError) => void;

export type MessageHandler = (message: BrokerMessage) => void | Promise<void>;

export interface BrokerSubscription {
  readonly subject: string;
  /** Resolves when it has ended; with the error when the broker refused it. */
  readonly closed: Promise<CellError | undefined>;
  unsubscribe(): void;
  /** Ends it once what has arrived is handed over. */
  drain(): Promise<void>;
}

const DRAIN_MS = 2_000;
/** A connection that is ended sooner was refused, as of one who is kept out: the next comes as late as after a failure. */
const STOOD_MS = 500;
const REQUEST_MS = 2_000;

/** Throws BROKER_UNREACHABLE, BROKER_REFUSED_CREDENTIALS, BROKER_TOO_OLD; the signal's reason when aborted. */
export async function connectBroker(options: ConnectOptions): Promise<BrokerConnection> {
  const attempts = { count: 0 };
  const nats = await dial(options, attempts);
  try {
    requireVersion(nats.info?.version ?? "0.0.0", options.url);
  } catch (error) {
    await nats.close();
    throw error;
  }
  return new BrokerConnection(nats, options, attempts);
}

export class BrokerConnection {
  /** For the JetStream parts of this folder. */
  readonly nats: NatsConnection;
  /** Resolves when the connection is closed for good. */
  readonly closed: Promise<CellError | undefined>;
  readonly #options: ConnectOptions;
  readonly #attempts: { count: number };
  readonly #buffer: ReconnectBuffer;
  readonly #listeners = new Set<(status: BrokerStatus) => void>();
  readonly #refusalListeners = new Set<RefusalListener>();
  #status: BrokerStatus;
  #closing = false;
  #connectedAtMs = performance.now();

  constructor(nats: NatsConnection, options: ConnectOptions, attempts: { count: number }) {
    this.nats = nats;
    this.#options = options;
    this.#attempts = attempts;
    this.#buffer = createReconnectBuffer(options.maxBufferedBytes);
    this.#status = this.#connectedStatus();
    this.closed = this.#finish();
    if (options.onStatus !== undefined) this.#listeners.add(options.onStatus);
    void this.#follow();
    this.#tell(this.#status);
  }

  status(): BrokerStatus {
    return this.#status;
  }

  isConnected(): boolean {
    return this.#status.state === "connected" && !this.nats.isClosed();
  }

  version(): string {
    return this.nats.info?.version ?? "0.0.0";
  }

  maxPayloadBytes(): number {
    return this.nats.info?.max_payload ?? 1024 * 1024;
  }

  /** Hears each later status; returns what ends that. */
  onStatus(listener: (status: BrokerStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hears what the broker does not let through; `onProblem` does too. */
  onRefusedPublish(listener: RefusalListener): void {
    this.#refusalListeners.add(listener);
  }

  /** A subject that nobody else has, and that these credentials may listen to. */
  newInbox(): string {
    return createInbox(this.#options.inboxPrefix);
  }

  /**
   * Hands a message to the broker, or to the buffer while the broker is away.
   * Throws BROKER_CLOSED, BROKER_BUFFER_FULL, BROKER_MESSAGE_TOO_LARGE.
   */
  publish(subject: string, data: Uint8Array, reply?: string): void {
    if (this.nats.isClosed()) throw new CellError("BROKER_CLOSED", undefined, { where: subject });
    if (!this.isConnected()) {
      this.#buffer.add({ subject, data, ...(reply === undefined ? {} : { reply }) });
      return;
    }
    try {
      this.nats.publish(subject, data, reply === undefined ? {} : { reply });
    } catch (error) {
      throw toBrokerError(error, subject);
    }
  }

  /** @param options `max`: the broker itself ends it after so many messages */
  subscribe(
    subject: string,
    handler: MessageHandler,
    options: { readonly queue?: string; readonly max?: number } = {},
  ): BrokerSubscription {
    let subscription: Subscription;
    try {
      subscription = this.nats.subscribe(subject, {
        ...options,
        callback: (error, message) => {
          if (error === null) this.#handle(handler, message);
          else this.#problem(toBrokerError(error, subject));
        },
      });
    } catch (error) {
      throw toBrokerError(error, subject);
    }
    return {
      subject,
      closed: subscription.closed.then((error) =>
        error instanceof Error ? toBrokerError(error, subject) : undefined,
      ),
      unsubscribe: () => subscription.unsubscribe(),
      drain: async () => {
        if (!subscription.isClosed() && !this.nats.isClosed()) await subscription.drain();
      },
    };
  }

  /** Throws BROKER_NO_RESPONDERS, BROKER_TIMEOUT (default 2 s), BROKER_UNREACHABLE while the broker is away. */
  async request(subject: string, data: Uint8Array, timeoutMs: number = REQUEST_MS): Promise<BrokerMessage> {
    if (!this.isConnected()) throw new CellError("BROKER_UNREACHABLE", undefined, { where: subject });
    try {
      return await this.nats.request(subject, data, { timeout: timeoutMs });
    } catch (error) {
      throw toBrokerError(error, subject);
    }
  }

  /** Returns once the broker has all that was published before, and `onProblem` has heard what it refused of it. */
  async flush(): Promise<void> {
    try {
      await this.nats.flush();
      await turned();
    } catch (error) {
      throw toBrokerError(error, this.#options.url);
    }
  }

  /** Hands over what has arrived, sends what is buffered, and closes; at most 2 s. Idempotent. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.isConnected() && !this.nats.isDraining()) {
      const bound = AbortSignal.timeout(DRAIN_MS);
      const expired = new Promise<void>((resolve) => bound.addEventListener("abort", () => resolve()));
      await Promise.race([this.nats.drain().catch(() => undefined), expired]);
    }
    await this.nats.close();
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Tells `onProblem` what was thrown where nobody else hears it. */
  tellProblem(error: unknown, where: string): void {
    this.#problem(handlerError(error, where));
  }

  #handle(handler: MessageHandler, message: Msg): void {
    try {
      const result = handler(message);
      if (result instanceof Promise) {
        result.catch((error: unknown) => this.tellProblem(error, message.subject));
      }
    } catch (error) {
      this.tellProblem(error, message.subject);
    }
  }

  #problem(error: CellError): void {
    try {
      this.#options.onProblem?.(error);
    } catch {
      // Whoever listens to problems has one of its own; the reader must go on.
    }
  }

  async #follow(): Promise<void> {
    for await (const status of this.nats.status()) this.#take(status);
  }

  #take(status: Status): void {
    if (status.type === "disconnect") {
      if (performance.now() - this.#connectedAtMs > STOOD_MS) this.#attempts.count = 0;
      this.#tell({ state: "disconnected" });
    }
    if (status.type === "reconnecting") {
      this.#attempts.count += 1;
      this.#tell({ state: "reconnecting", attempt: this.#attempts.count });
    }
    if (status.type === "reconnect") {
      this.#connectedAtMs = performance.now();
      this.#tell(this.#connectedStatus());
      this.#flushBuffer();
    }
    if (status.type === "error") this.#takeError(status.error);
  }

  #takeError(cause: Error): void {
    const error = toBrokerError(cause, this.#options.url);
    if (cause instanceof errors.PermissionViolationError && cause.operation === "publish") {
      for (const listener of this.#refusalListeners) listener(cause.subject, error);
    }
    this.#problem(error);
  }

  #flushBuffer(): void {
    for (const { subject, data, reply } of this.#buffer.take()) {
      try {
        this.publish(subject, data, reply);
      } catch (error) {
        this.#problem(toBrokerError(error, subject));
      }
    }
  }

  #tell(status: BrokerStatus): void {
    this.#status = status;
    for (const listener of this.#listeners) {
      try {
        listener(status);
      } catch (error) {
        this.#problem(handlerError(error, this.#options.url));
      }
    }
  }

  #connectedStatus(): BrokerStatus {
    return { state: "connected", server: this.nats.getServer(), version: this.version() };
  }

  async #finish(): Promise<CellError | undefined> {
    const reason = await this.nats.closed();
    const error =
      reason instanceof Error && !this.#closing ? toBrokerError(reason, this.#options.url) : undefined;
    this.#tell(error === undefined ? { state: "closed" } : { state: "closed", error });
    return error;
  }
}

const handlerError = (error: unknown, where: string): CellError =>
  error instanceof CellError
    ? error
    : new CellError("BROKER_HANDLER_FAILED", undefined, { where, cause: error });
