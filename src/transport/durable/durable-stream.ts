// A stream that holds what durable actors keep. Every write is compare-and-set on its
// own subject, so that writing twice is writing once: a lost acknowledgement is asked
// again until the broker says what became of it. Bytes in, bytes out; it knows no actors.
import {
  type Consumer,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  JetStreamError,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StoredMsg,
  type StreamConfig,
} from "@nats-io/jetstream";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { reconnectDelayMs } from "../dial.ts";
import { toStreamError } from "../streams/kernel-stream.ts";
import { onceConnected, unlessLost } from "../while-connected.ts";
import { type AnsweredWrite, AnsweredWrites } from "./answered-writes.ts";

export type DurableStreamSpec = {
  readonly name: string;
  readonly subject: string;
  /** Newest messages kept of each subject; undefined: all, until they are purged. */
  readonly keepPerSubject?: number;
  readonly maxMessageBytes: number;
  /** A full stream refuses; it forgets nothing. */
  readonly maxBytes: number;
  readonly purgeable: boolean;
  readonly replicas?: number;
};

export type Kept = {
  readonly subject: string;
  readonly sequence: number;
  readonly data: Uint8Array;
  header(name: string): string;
};

export type Write = AnsweredWrite & {
  /** These very bytes were never written before: a conflict is with somebody else. */
  readonly isNew?: boolean;
  /** Ends its being tried again; a write that is under way is waited for all the same. */
  readonly signal: AbortSignal;
};

const API_TIMEOUT_MS = 5_000;
const NAME_IN_USE = 10058;
const NOT_FOUND = 404;
/** Read one by one where bytes are many: a page's worth. */
const PAGE = 256;
/** Beside the news that the connection is back, should that be missed. */
const LONG_MS = 2_000;
const SCAN_EXPIRES_MS = 5_000;

export class DurableStream {
  readonly name: string;
  readonly #connection: BrokerConnection;
  readonly #spec: DurableStreamSpec;
  readonly #client: JetStreamClient;
  readonly #writes: AnsweredWrites;
  #manager: Promise<JetStreamManager> | undefined;
  /** Told when the connection is back. */
  readonly #onBack = new Set<() => void>();

  constructor(connection: BrokerConnection, spec: DurableStreamSpec) {
    this.name = spec.name;
    this.#connection = connection;
    this.#spec = spec;
    this.#client = jetstream(connection.nats, { timeout: API_TIMEOUT_MS });
    this.#writes = new AnsweredWrites(connection, spec.name, API_TIMEOUT_MS);
    connection.onStatus(({ state }) => {
      if (state === "connected") for (const tell of [...this.#onBack]) tell();
    });
  }

  /** Makes it unless it is there. Throws BROKER_STREAM_FOREIGN, BROKER_STREAM_UNAVAILABLE, BROKER_TIMEOUT. */
  async ensure(): Promise<void> {
    await this.#ask(this.name, async (manager) => {
      const existing = await findStream(manager, this.name);
      if (existing !== undefined) this.#requireOurs(existing);
      else await this.#add(manager);
    });
  }

  /**
   * The sequence of the message. BROKER_STREAM_CONFLICT: somebody else wrote, and this will
   * never be there. One with the detail `unclear`, or any other error while `signal` has
   * ended: it is not known whether it was or will be there.
   */
  async write(write: Write): Promise<Result<number, CellError>> {
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#writes.write(write);
      if (outcome.ok) return outcome;
      const isConflict = outcome.error.code === "BROKER_STREAM_CONFLICT";
      if (!isPassing(outcome.error)) {
        if (attempt === 0 && (!isConflict || write.isNew === true)) return outcome;
        // After a lost acknowledgement the conflict may be with ourselves, or with who came after us.
        const error = attempt > 0 && isConflict ? unclear(outcome.error) : outcome.error;
        const settled = await this.#readBack(write, error);
        if (settled !== undefined) return settled;
        if (!isConflict) return outcome;
      }
      if (write.signal.aborted) return outcome;
      await this.#pause(attempt, write.signal);
    }
  }

  /** The newest of a subject, as the stream's leader has it. */
  async last(subject: string): Promise<Kept | undefined> {
    return await this.#ask(subject, async (manager) => {
      const message = await manager.streams.getMessage(this.name, { last_by_subj: subject });
      return message === null ? undefined : keptOf(message);
    });
  }

  /** Of one subject, oldest first, from a sequence on; at most a page. */
  async page(subject: string, fromSequence: number, maxBytes = 8 * 1024 * 1024): Promise<readonly Kept[]> {
    const seq = Math.max(1, fromSequence);
    const options = { seq, next_by_subj: subject, batch: PAGE, max_bytes: maxBytes };
    return await this.#ask(subject, async ({ direct }) => {
      const read: Kept[] = [];
      try {
        for await (const message of await direct.getBatch(this.name, options)) read.push(keptOf(message));
      } catch (error) {
        if (error instanceof JetStreamError && "code" in error && error.code === NOT_FOUND) return [];
        throw error;
      }
      return read;
    });
  }

  /** The newest of each subject, without its bytes; some twice when the connection was lost. Bounded by `signal`. */
  async *heads(filter: string, signal: AbortSignal): AsyncGenerator<Kept> {
    for (;;) {
      const page = await this.#firstPage(filter, signal);
      if (page === undefined) return;
      try {
        yield* this.#pages(page, signal);
        return;
      } catch (error) {
        const coded = toStreamError(error, filter);
        if (coded.code !== "BROKER_UNREACHABLE") throw coded;
      }
    }
  }

  /** A consumer with something to read. */
  async #firstPage(filter: string, signal: AbortSignal): Promise<Consumer | undefined> {
    signal.throwIfAborted();
    return await this.#ask(filter, async () => {
      const consumer = await this.#client.consumers.get(this.name, {
        deliver_policy: DeliverPolicy.LastPerSubject,
        filter_subjects: filter,
        headers_only: true,
      });
      return (await consumer.info(true)).num_pending === 0 ? undefined : consumer;
    });
  }

  async *#pages(consumer: Consumer, signal: AbortSignal): AsyncGenerator<Kept> {
    for (let pending = 1; pending > 0; ) {
      signal.throwIfAborted();
      const page = await unlessLost(this.#connection, this.name, async () => {
        const read: JsMsg[] = [];
        const messages = await consumer.fetch({ max_messages: PAGE, expires: SCAN_EXPIRES_MS });
        for await (const message of messages) {
          read.push(message);
          if (message.info.pending === 0) break;
        }
        return read;
      });
      pending = page.at(-1)?.info.pending ?? 1;
      for (const { subject, seq, data, headers } of page) {
        yield { subject, sequence: seq, data, header: (name) => headers?.get(name) ?? "" };
      }
    }
  }

  /** Drops what lies before a sequence, of one subject; the newest is never dropped. */
  async purge(subject: string, beforeSequence: number): Promise<void> {
    await this.#ask(subject, (manager) =>
      manager.streams.purge(this.name, { filter: subject, seq: beforeSequence }),
    );
  }

  /** Until the connection is back, or a moment after a failure. */
  #pause(attempt: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        this.#onBack.delete(end);
        resolve();
      };
      const waitMs = this.#connection.isConnected() ? reconnectDelayMs(attempt) : LONG_MS;
      const timer = setTimeout(end, waitMs);
      signal.addEventListener("abort", end);
      this.#onBack.add(end);
    });
  }

  /** Undefined: not known, because it could not be read. */
  async #readBack(
    { subject, data }: Write,
    conflict: CellError,
  ): Promise<Result<number, CellError> | undefined> {
    try {
      const last = await this.last(subject);
      const ours = last !== undefined && Buffer.compare(last.data, data) === 0;
      return ours ? ok(last.sequence) : err(conflict);
    } catch {
      return undefined;
    }
  }

  /** Again when the connection was lost meanwhile: nothing is asked here that may not be asked twice. */
  async #ask<T>(where: string, ask: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      return await onceConnected(this.#connection, where, API_TIMEOUT_MS, async () => ask(await this.#api()));
    } catch (error) {
      throw toStreamError(error, where);
    }
  }

  #api(): Promise<JetStreamManager> {
    this.#manager ??= jetstreamManager(this.#connection.nats, { checkAPI: false, timeout: API_TIMEOUT_MS });
    return this.#manager;
  }

  async #add(manager: JetStreamManager): Promise<void> {
    try {
      await manager.streams.add(configOf(this.#spec));
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== NAME_IN_USE) throw error;
      const existing = await findStream(manager, this.name);
      if (existing === undefined) throw error;
      this.#requireOurs(existing);
    }
  }

  /** A stream can pass on, change or forget what it takes: one that does is not used. */
  #requireOurs(config: StreamConfig): void {
    const ours = configOf(this.#spec);
    const fields = [
      "retention",
      "storage",
      "discard",
      "max_msgs_per_subject",
      "discard_new_per_subject",
      "max_age",
      "deny_delete",
      "deny_purge",
      "allow_rollup_hdrs",
      "allow_msg_ttl",
    ] as const;
    const same = fields.every((field) => (config[field] ?? false) === (ours[field] ?? false));
    const foreign = [config.republish, config.mirror, config.sources, config.subject_transform];
    if (
      same &&
      config.subjects?.join() === this.#spec.subject &&
      foreign.every((part) => part === undefined)
    ) {
      return;
    }
    throw new CellError("BROKER_STREAM_FOREIGN", undefined, { where: this.name });
  }
}

function configOf(spec: DurableStreamSpec) {
  return {
    name: spec.name,
    subjects: [spec.subject],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    discard_new_per_subject: false,
    max_msgs: -1,
    max_msgs_per_subject: spec.keepPerSubject ?? -1,
    max_msg_size: spec.maxMessageBytes,
    max_bytes: spec.maxBytes,
    max_age: 0,
    num_replicas: spec.replicas ?? 1,
    duplicate_window: 0,
    allow_direct: true,
    allow_rollup_hdrs: false,
    allow_msg_ttl: false,
    deny_delete: true,
    deny_purge: !spec.purgeable,
  } as const satisfies Partial<StreamConfig>;
}

async function findStream(manager: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(name)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return undefined;
    throw error;
  }
}

const keptOf = (message: StoredMsg): Kept => ({
  subject: message.subject,
  sequence: message.seq,
  data: message.data,
  header: (name) => message.header.get(name),
});

const unclear = ({ code, message, where }: CellError): CellError =>
  new CellError(code, message, { ...(where === undefined ? {} : { where }), details: { unclear: true } });

/** Whether the broker may yet say what became of a write. */
const isPassing = ({ code }: CellError): boolean =>
  code === "BROKER_UNREACHABLE" ||
  code === "BROKER_TIMEOUT" ||
  code === "BROKER_NO_RESPONDERS" ||
  code === "BROKER_CLOSED";
