// The stream of tokens with limits: one message a root, how much it and what was narrowed from it have
// used. Written only over the one before, so that of all nodes one wins. It forgets what
// has ended by itself, and takes no further root when it is full.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { allCounted, countedStreamName, countedSubject } from "../subjects.ts";
import { MAX_RECORD_BYTES, readRecord, type TallyRow, writeRecord } from "./counted-record.ts";
import { KernelStream } from "./kernel-stream.ts";

const MAX_ROOTS = 20_000;
/** More than all of them: a broker that is full by bytes refuses also what replaces another. */
const MAX_BYTES = 2 * MAX_ROOTS * MAX_RECORD_BYTES;

export type Counts = {
  readonly tallies: readonly TallyRow[];
  /** In the stream; 0: there is none. */
  readonly sequence: number;
};

export type CountedStream = {
  /** Makes it unless it is there. */
  ensure(): Promise<void>;
  /** Undefined when what is there is no such record. @param root hex of its hash */
  countsOf(root: string): Promise<Counts | undefined>;
  /**
   * Resolves with the sequence of the new record. Errors: BROKER_STREAM_CONFLICT when another was written since
   * `sequence`, and what may be tried again.
   */
  write(root: string, counts: Counts): Promise<Result<{ readonly sequence: number }, CellError>>;
};

/** @param keptMs longer than any such token lives, and clocks differ */
export function countedStream(
  connection: BrokerConnection,
  cell: string,
  keptMs: number,
  replicas = 1,
): CountedStream {
  const stream = new KernelStream(connection, {
    name: countedStreamName(cell),
    subjects: [allCounted(cell)],
    keepPerSubject: 1,
    maxMessageBytes: MAX_RECORD_BYTES,
    maxMessages: MAX_ROOTS,
    maxBytes: MAX_BYTES,
    maxAgeMs: keptMs,
    whenFull: "refuse-new-subjects",
    replicas,
  });
  return {
    ensure: () => stream.ensure(),
    async countsOf(root) {
      const last = await stream.last(countedSubject(cell, root));
      if (last === undefined) return { tallies: [], sequence: 0 };
      const tallies = readRecord(last.data);
      return tallies && { tallies, sequence: last.sequence };
    },
    write: (root, { tallies, sequence }) =>
      stream.publish(countedSubject(cell, root), writeRecord(tallies), { lastSubjectSequence: sequence }),
  };
}
