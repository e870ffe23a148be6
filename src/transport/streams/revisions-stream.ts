// The stream of revisions: what the cell should run, one signed message a
// revision, the newest 256 kept. Compare-and-set on the last sequence makes the
// writers take turns.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { revisionsStreamName, revisionsSubject } from "../subjects.ts";
import { type FollowOptions, follow, type StreamFollower } from "./follow.ts";
import { KernelStream, type StreamRecord } from "./kernel-stream.ts";

export const KEPT_REVISIONS = 256;
/** One message of the broker, less its headers. */
export const MAX_REVISION_BYTES = 8 * 1024 * 1024 - 4096;

export type RevisionsStream = {
  /** Makes it unless it is there. */
  ensure(): Promise<void>;
  /** @param expectedSequence sequence of the newest revision that the writer knows; 0: none */
  publish(
    revision: Uint8Array,
    expectedSequence: number,
  ): Promise<Result<{ readonly sequence: number }, CellError>>;
  last(): Promise<StreamRecord | undefined>;
  follow(options: FollowOptions): StreamFollower;
};

export function revisionsStream(connection: BrokerConnection, cell: string, replicas = 1): RevisionsStream {
  const subject = revisionsSubject(cell);
  const stream = new KernelStream(connection, {
    name: revisionsStreamName(cell),
    subjects: [subject],
    keepPerSubject: KEPT_REVISIONS,
    maxMessageBytes: MAX_REVISION_BYTES,
    maxBytes: KEPT_REVISIONS * MAX_REVISION_BYTES,
    replicas,
  });
  return {
    ensure: () => stream.ensure(),
    publish: (revision, lastSequence) => stream.publish(subject, revision, { lastSequence }),
    last: () => stream.last(subject),
    follow: (options) => follow(stream, options),
  };
}
