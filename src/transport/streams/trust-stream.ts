// The stream of certificates: the newest one of each principal counts, and a few before it tell a
// reader that was away which keys followed each other. Readers verify each against genesis; a
// certificate that the broker made up is bytes.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { allTrust, trustStreamName, trustSubject } from "../subjects.ts";
import { type FollowOptions, follow, type StreamFollower } from "./follow.ts";
import { KernelStream, type StreamRecord } from "./kernel-stream.ts";

const MAX_CERTIFICATE_BYTES = 64 * 1024;
const MAX_BYTES = 256 * 1024 * 1024;
/** Enough for four rotations with their ends. */
const KEPT_PER_PRINCIPAL = 9;

export type TrustStream = {
  /** Makes it unless it is there. */
  ensure(): Promise<void>;
  /**
   * Puts a principal's newest certificate in place of the one at `expectedSequence` (0: it has none).
   * Errors: BROKER_STREAM_CONFLICT, and what may be tried again.
   */
  publish(
    principal: string,
    certificate: Uint8Array,
    expectedSequence: number,
  ): Promise<Result<{ readonly sequence: number }, CellError>>;
  last(principal: string): Promise<StreamRecord | undefined>;
  follow(options: FollowOptions): StreamFollower;
};

export function trustStream(connection: BrokerConnection, cell: string, replicas = 1): TrustStream {
  const stream = new KernelStream(connection, {
    name: trustStreamName(cell),
    subjects: [allTrust(cell)],
    keepPerSubject: KEPT_PER_PRINCIPAL,
    maxMessageBytes: MAX_CERTIFICATE_BYTES,
    maxBytes: MAX_BYTES,
    replicas,
  });
  return {
    ensure: () => stream.ensure(),
    publish: (principal, certificate, lastSubjectSequence) =>
      stream.publish(trustSubject(cell, principal), certificate, { lastSubjectSequence }),
    last: (principal) => stream.last(trustSubject(cell, principal)),
    follow: (options) => follow(stream, options),
  };
}
