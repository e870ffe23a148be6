// The stream of revocations: one message, the newest record. Readers verify it; an older one
// that the broker gives out again is noticed by its generation.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { revocationsStreamName, revocationsSubject } from "../subjects.ts";
import { type FollowOptions, follow, type StreamFollower } from "./follow.ts";
import { KernelStream, type StreamRecord } from "./kernel-stream.ts";

const MAX_RECORD_BYTES = 640 * 1024;

export type RevocationsStream = {
  /** Makes it unless it is there. */
  ensure(): Promise<void>;
  /**
   * Puts a record in place of the one at `expectedSequence` (0: there is none).
   * Errors: BROKER_STREAM_CONFLICT, and what may be tried again.
   */
  publish(
    record: Uint8Array,
    expectedSequence: number,
  ): Promise<Result<{ readonly sequence: number }, CellError>>;
  last(): Promise<StreamRecord | undefined>;
  follow(options: FollowOptions): StreamFollower;
};

export function revocationsStream(
  connection: BrokerConnection,
  cell: string,
  replicas = 1,
): RevocationsStream {
  const subject = revocationsSubject(cell);
  const stream = new KernelStream(connection, {
    name: revocationsStreamName(cell),
    subjects: [subject],
    keepPerSubject: 1,
    maxMessageBytes: MAX_RECORD_BYTES,
    maxBytes: 8 * MAX_RECORD_BYTES,
    replicas,
  });
  return {
    ensure: () => stream.ensure(),
    publish: (record, lastSubjectSequence) => stream.publish(subject, record, { lastSubjectSequence }),
    last: () => stream.last(subject),
    follow: (options) => follow(stream, options),
  };
}
