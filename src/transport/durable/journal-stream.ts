// The journals of all shards: one subject a shard, written by the shard's owner alone,
// one message after the other. What takes a shard over writes first: from then on
// what the owner before writes is refused.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { allJournals, journalStreamName, journalSubject } from "../subjects.ts";
import { DurableStream, type Kept } from "./durable-stream.ts";

/** One message, its headers included; a broker carries 8 MiB. */
export const MAX_JOURNAL_BYTES = 7 * 1024 * 1024;
const MAX_STREAM_BYTES = 4 * 1024 * 1024 * 1024;

export type JournalStream = {
  ensure(): Promise<void>;
  /** Error BROKER_STREAM_CONFLICT: another owner has written. */
  append(
    shard: number,
    data: Uint8Array,
    expectedSequence: number,
    signal: AbortSignal,
  ): Promise<Result<number, CellError>>;
  last(shard: number): Promise<Kept | undefined>;
  page(shard: number, fromSequence: number): Promise<readonly Kept[]>;
  /** Drops what lies before a sequence. */
  trim(shard: number, beforeSequence: number): Promise<void>;
};

export function journalStream(connection: BrokerConnection, cell: string, replicas = 1): JournalStream {
  const stream = new DurableStream(connection, {
    name: journalStreamName(cell),
    subject: allJournals(cell),
    maxMessageBytes: MAX_JOURNAL_BYTES,
    maxBytes: MAX_STREAM_BYTES,
    purgeable: true,
    replicas,
  });
  const subjectOf = (shard: number) => journalSubject(cell, shard);
  return {
    ensure: () => stream.ensure(),
    append: (shard, data, expected, signal) =>
      stream.write({ subject: subjectOf(shard), data, expected, signal }),
    last: (shard) => stream.last(subjectOf(shard)),
    page: (shard, from) => stream.page(subjectOf(shard), from),
    trim: (shard, before) => stream.purge(subjectOf(shard), before),
  };
}
