// A kernel stream: a small, protected JetStream stream that every node reads
// whole at its start and follows from then on. It is a place for signed records;
// whether a record may be believed is judged by whoever takes it.
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  JetStreamError,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { toBrokerError } from "../nats-errors.ts";
import { onceConnected, unlessLost } from "../while-connected.ts";

export type KernelStreamSpec = {
  readonly name: string;
  readonly subjects: readonly string[];
  /** Messages kept for each subject; older ones give way. */
  readonly keepPerSubject: number;
  readonly maxMessageBytes: number;
  readonly maxBytes: number;
  /** Default: no bound of their own. */
  readonly maxMessages?: number;
  readonly maxAgeMs?: number;
  readonly replicas?: number;
  /** Default: the oldest give way. `refuse-new-subjects`: a subject's newest still replaces the one before it. */
  readonly whenFull?: "drop-oldest" | "refuse" | "refuse-new-subjects";
};

export type StreamRecord = {
  readonly subject: string;
  /** Sequence in the stream. */
  readonly sequence: number;
  readonly data: Uint8Array;
  /** When the broker took it. */
  readonly unixMs: number;
};

/** What the writer believes to be the newest; 0: nothing yet. */
export type Expected = { readonly lastSequence: number } | { readonly lastSubjectSequence: number };

const API_TIMEOUT_MS = 5_000;
const NAME_IN_USE = 10058;

export function streamConfig(spec: KernelStreamSpec) {
  return {
    name: spec.name,
    subjects: [...spec.subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    ...discardOf(spec),
    max_msgs: spec.maxMessages ?? -1,
    max_msgs_per_subject: spec.keepPerSubject,
    max_msg_size: spec.maxMessageBytes,
    max_bytes: spec.maxBytes,
    max_age: (spec.maxAgeMs ?? 0) * 1_000_000,
    num_replicas: spec.replicas ?? 1,
    duplicate_window: 0,
    allow_direct: true,
    deny_delete: true,
    deny_purge: true,
  } as const satisfies Partial<StreamConfig>;
}

/** What refuses when it is full keeps the first record of a subject, too. */
const discardOf = ({ whenFull = "drop-oldest" }: KernelStreamSpec) =>
  whenFull === "drop-oldest"
    ? ({ discard: DiscardPolicy.Old, discard_new_per_subject: false } as const)
    : ({ discard: DiscardPolicy.New, discard_new_per_subject: whenFull === "refuse" } as const);

export class KernelStream {
  readonly name: string;
  readonly connection: BrokerConnection;
  readonly #spec: KernelStreamSpec;

  constructor(connection: BrokerConnection, spec: KernelStreamSpec) {
    this.connection = connection;
    this.name = spec.name;
    this.#spec = spec;
  }

  /** Makes the stream unless it is there. Throws BROKER_STREAM_FOREIGN, BROKER_STREAM_UNAVAILABLE, BROKER_TIMEOUT. */
  async ensure(): Promise<void> {
    await this.#ask(this.name, async (manager) => {
      const existing = await this.#find(manager);
      if (existing === undefined) await this.#add(manager);
      else this.#requireOurs(existing);
    });
  }

  /**
   * Writes when the stream is as expected; in any case when nothing is. The same bytes written by somebody
   * else just before count as written. Errors: BROKER_STREAM_CONFLICT, and what
   * may be tried again.
   */
  async publish(
    subject: string,
    data: Uint8Array,
    expected: Expected | undefined,
  ): Promise<Result<{ readonly sequence: number }, CellError>> {
    if (!this.connection.isConnected())
      return err(new CellError("BROKER_UNREACHABLE", undefined, { where: subject }));
    try {
      const client = jetstream(this.connection.nats, { timeout: API_TIMEOUT_MS });
      const options = { expect: { ...expected, streamName: this.name }, timeout: API_TIMEOUT_MS };
      const ack = await unlessLost(this.connection, subject, () => client.publish(subject, data, options));
      return ok({ sequence: ack.seq });
    } catch (error) {
      return this.#afterFailure(subject, data, toStreamError(error, subject));
    }
  }

  /** The newest record of a subject. */
  async last(subject: string): Promise<StreamRecord | undefined> {
    return await this.#ask(subject, async (manager) => {
      const message = await manager.streams.getMessage(this.name, { last_by_subj: subject });
      if (message === null) return undefined;
      return { subject, sequence: message.seq, data: message.data, unixMs: message.time.getTime() };
    });
  }

  /** The record at a sequence; undefined: there is none any more. */
  async at(sequence: number): Promise<StreamRecord | undefined> {
    return await this.#ask(this.name, async (manager) => {
      const message = await manager.streams.getMessage(this.name, { seq: sequence });
      if (message === null) return undefined;
      const { subject, data, time } = message;
      return { subject, sequence, data, unixMs: time.getTime() };
    });
  }

  manager(): Promise<JetStreamManager> {
    return jetstreamManager(this.connection.nats, { checkAPI: false, timeout: API_TIMEOUT_MS });
  }

  /** Again when the connection was lost meanwhile: nothing is asked here that may not be asked twice. */
  async #ask<T>(where: string, ask: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      return await onceConnected(this.connection, where, API_TIMEOUT_MS, async () =>
        ask(await this.manager()),
      );
    } catch (error) {
      throw toStreamError(error, where);
    }
  }

  /** A lost acknowledgement says nothing of the write: read back and compare. */
  async #afterFailure(
    subject: string,
    data: Uint8Array,
    failure: CellError,
  ): Promise<Result<{ readonly sequence: number }, CellError>> {
    if (!UNCLEAR.has(failure.code)) return err(failure);
    try {
      const last = await this.last(subject);
      const same = last !== undefined && Buffer.compare(last.data, data) === 0;
      return same ? ok({ sequence: last.sequence }) : err(failure);
    } catch {
      return err(failure);
    }
  }

  async #find(manager: JetStreamManager): Promise<StreamConfig | undefined> {
    try {
      return (await manager.streams.info(this.name)).config;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
        return undefined;
      throw error;
    }
  }

  /** Another node may make it at the same time, with other limits when it is of another version. */
  async #add(manager: JetStreamManager): Promise<void> {
    try {
      await manager.streams.add(streamConfig(this.#spec));
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== NAME_IN_USE) throw error;
      const existing = await this.#find(manager);
      if (existing === undefined) throw error;
      this.#requireOurs(existing);
    }
  }

  #requireOurs(config: StreamConfig): void {
    const ours = streamConfig(this.#spec);
    const sameSubjects = config.subjects?.toSorted().join() === ours.subjects.toSorted().join();
    const kept =
      config.retention === ours.retention &&
      config.storage === ours.storage &&
      config.discard === ours.discard &&
      (config.discard_new_per_subject ?? false) === ours.discard_new_per_subject;
    if (sameSubjects && kept && config.deny_delete && config.deny_purge) return;
    throw new CellError("BROKER_STREAM_FOREIGN", undefined, { where: this.name });
  }
}

const UNCLEAR: ReadonlySet<string> = new Set([
  "BROKER_TIMEOUT",
  "BROKER_UNREACHABLE",
  "BROKER_STREAM_CONFLICT",
]);

export function toStreamError(error: unknown, where: string): CellError {
  if (error instanceof JetStreamApiError) {
    const conflict: readonly number[] = [
      JetStreamApiCodes.StreamWrongLastSequence,
      JetStreamApiCodes.StreamWrongLastSequenceUnknown,
    ];
    if (conflict.includes(error.code))
      return new CellError("BROKER_STREAM_CONFLICT", undefined, { where, cause: error });
    return new CellError("BROKER_STREAM_UNAVAILABLE", error.message, { where, cause: error });
  }
  // The first of them is not exported by its class.
  if (error instanceof Error && (error.name === "JetStreamNotEnabled" || error instanceof JetStreamError)) {
    return new CellError("BROKER_STREAM_UNAVAILABLE", error.message, { where, cause: error });
  }
  return toBrokerError(error, where);
}
