// The stream of revocations: of each node the newest record that it has written. Readers verify
// them, and join what they say, so that none takes the place of another.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { allRevocations, revocationsStreamName, revocationsSubject } from "../subjects.ts";
import { type FollowOptions, follow, type StreamFollower } from "./follow.ts";
import { KernelStream, type StreamRecord } from "./kernel-stream.ts";

/** With its headers. */
const MAX_RECORD_BYTES = 708 * 1024;
const MAX_BYTES = 256 * 1024 * 1024;

export type RevocationsStream = {
  /** Makes it unless it is there. */
  ensure(): Promise<void>;
  /** In place of what this node has written before. Errors: what may be tried again. */
  publish(record: Uint8Array): Promise<Result<{ readonly sequence: number }, CellError>>;
  /** What a node has written last. */
  last(node: string): Promise<StreamRecord | undefined>;
  follow(options: FollowOptions): StreamFollower;
};

/** @param node who writes: the broker lets nobody write under another's name */
export function revocationsStream(
  connection: BrokerConnection,
  cell: string,
  node: string,
  replicas = 1,
): RevocationsStream {
  const stream = new KernelStream(connection, {
    name: revocationsStreamName(cell),
    subjects: [allRevocations(cell)],
    keepPerSubject: 1,
    maxMessageBytes: MAX_RECORD_BYTES,
    maxBytes: MAX_BYTES,
    replicas,
  });
  return {
    ensure: () => stream.ensure(),
    publish: (record) => stream.publish(revocationsSubject(cell, node), record, undefined),
    last: (writer) => stream.last(revocationsSubject(cell, writer)),
    follow: (options) => follow(stream, options),
  };
}
