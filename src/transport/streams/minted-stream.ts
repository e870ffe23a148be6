// The stream of capabilities that the authority has minted: for the record, read when somebody asks.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { allMinted, mintedStreamName, mintedSubject } from "../subjects.ts";
import { follow } from "./follow.ts";
import { KernelStream } from "./kernel-stream.ts";

/** The oldest give way. */
export const KEPT_MINTED = 16_384;
const MAX_RECORD_BYTES = 16 * 1024;

export type MintedStream = {
  /** Makes it unless it is there. */
  ensure(): Promise<void>;
  /** @param token hex of its hash */
  append(token: string, record: Uint8Array): Promise<Result<unknown, CellError>>;
  /** The newest of what it holds now, the oldest of them first. @param signal ends it: it rejects */
  newest(count: number, signal: AbortSignal): Promise<readonly Uint8Array[]>;
};

export function mintedStream(connection: BrokerConnection, cell: string, replicas = 1): MintedStream {
  const stream = new KernelStream(connection, {
    name: mintedStreamName(cell),
    subjects: [allMinted(cell)],
    keepPerSubject: 1,
    maxMessageBytes: MAX_RECORD_BYTES,
    maxBytes: KEPT_MINTED * 4 * 1024,
    maxMessages: KEPT_MINTED,
    replicas,
  });
  return {
    ensure: () => stream.ensure(),
    append: (token, record) => stream.publish(mintedSubject(cell, token), record, undefined),
    async newest(count, signal) {
      const records: Uint8Array[] = [];
      const { state } = await (await stream.manager()).streams.info(stream.name);
      const follower = follow(stream, {
        signal,
        fromSequence: Math.max(1, state.last_seq - count + 1),
        accept: ({ data }) => {
          records.push(data);
        },
      });
      try {
        await follower.caughtUp;
      } finally {
        await follower.stop();
      }
      return records;
    },
  };
}
