// The stream of tokens that serve once and have served: one message a token, a hash that says for
// which capsule. Written only where there is none, so that of all nodes one wins. It
// forgets what has ended by itself, and takes nothing more when it is full.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { allSpent, spentStreamName, spentSubject } from "../subjects.ts";
import { KernelStream } from "./kernel-stream.ts";

/** With the headers that say what is expected. */
const MAX_RECORD_BYTES = 512;
const MAX_BYTES = 256 * 1024 * 1024;

export type SpentStream = {
  /** Makes it unless it is there. */
  ensure(): Promise<void>;
  /**
   * Writes the first record of a token. Errors: BROKER_STREAM_CONFLICT when it has another, and what
   * may be tried again.
   * @param token hex of its hash
   */
  spend(token: string, purpose: Uint8Array): Promise<Result<unknown, CellError>>;
  /** What it was spent for. */
  servedBy(token: string): Promise<Uint8Array | undefined>;
};

/** @param keptMs longer than any such token lives, and clocks differ */
export function spentStream(
  connection: BrokerConnection,
  cell: string,
  keptMs: number,
  replicas = 1,
): SpentStream {
  const stream = new KernelStream(connection, {
    name: spentStreamName(cell),
    subjects: [allSpent(cell)],
    keepPerSubject: 1,
    maxMessageBytes: MAX_RECORD_BYTES,
    maxBytes: MAX_BYTES,
    maxAgeMs: keptMs,
    whenFull: "refuse",
    replicas,
  });
  return {
    ensure: () => stream.ensure(),
    spend: (token, purpose) => stream.publish(spentSubject(cell, token), purpose, { lastSubjectSequence: 0 }),
    servedBy: async (token) => (await stream.last(spentSubject(cell, token)))?.data,
  };
}
