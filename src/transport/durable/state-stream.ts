// The commits of all durable actors: one subject an actor, the newest few kept. Each
// commit replaces the one before it under compare-and-set.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { allStates, parseStateSubject, shardStates, stateStreamName, stateSubject } from "../subjects.ts";
import { DurableStream, type Kept } from "./durable-stream.ts";

/** Commits kept of each actor: those before the newest are for when it is damaged. */
export const KEPT_COMMITS = 4;
/** The host's own 512 KiB, and the answers that are carried on. */
export const MAX_STATE_BYTES = (512 + 256) * 1024;
const MAX_MESSAGE_BYTES = MAX_STATE_BYTES + 64 * 1024;
const MAX_STREAM_BYTES = 8 * 1024 * 1024 * 1024;

/** What can be seen of an actor's newest commit without reading it. A hint: only the commit itself is signed. */
export type StateHead = {
  readonly shard: number;
  readonly path: string;
  /** It must be awake without a further intent. */
  readonly pending: boolean;
  /** When its first timer is due. */
  readonly wakeAtUnixMs: number | undefined;
};

export type StateStream = {
  ensure(): Promise<void>;
  /** Error BROKER_STREAM_CONFLICT: another incarnation has written. */
  commit(
    head: StateHead,
    data: Uint8Array,
    expectedSequence: number,
    signal: AbortSignal,
  ): Promise<Result<number, CellError>>;
  /** As the stream's leader has it. */
  last(shard: number, path: string): Promise<Kept | undefined>;
  /** All that are kept, oldest first. */
  history(shard: number, path: string): Promise<readonly Kept[]>;
  heads(shard: number | undefined, signal: AbortSignal): AsyncGenerator<StateHead>;
};

const PENDING = "Cell0-Pending";
const WAKE_AT = "Cell0-Wake-At";

export function stateStream(connection: BrokerConnection, cell: string, replicas = 1): StateStream {
  const stream = new DurableStream(connection, {
    name: stateStreamName(cell),
    subject: allStates(cell),
    keepPerSubject: KEPT_COMMITS,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    maxBytes: MAX_STREAM_BYTES,
    purgeable: false,
    replicas,
  });
  const subjectOf = (shard: number, path: string) => stateSubject(cell, shard, path);
  return {
    ensure: () => stream.ensure(),
    commit: (head, data, expected, signal) =>
      stream.write({
        subject: subjectOf(head.shard, head.path),
        data,
        headers: headersOf(head),
        expected,
        signal,
        // Each says when it was written.
        isNew: true,
      }),
    last: (shard, path) => stream.last(subjectOf(shard, path)),
    history: (shard, path) => stream.page(subjectOf(shard, path), 1),
    async *heads(shard, signal) {
      const filter = shard === undefined ? allStates(cell) : shardStates(cell, shard);
      for await (const kept of stream.heads(filter, signal)) {
        const address = parseStateSubject(cell, kept.subject);
        if (address !== undefined) yield { ...address, ...readHead(kept) };
      }
    },
  };
}

function headersOf({ pending, wakeAtUnixMs }: StateHead): Record<string, string> {
  return {
    ...(pending ? { [PENDING]: "1" } : {}),
    ...(wakeAtUnixMs === undefined ? {} : { [WAKE_AT]: String(Math.trunc(wakeAtUnixMs)) }),
  };
}

/** Of a commit that was read. */
export function readHead(kept: Pick<Kept, "header">): Pick<StateHead, "pending" | "wakeAtUnixMs"> {
  const text = kept.header(WAKE_AT);
  const wakeAt = /^[0-9]{1,16}$/.test(text) ? Number(text) : undefined;
  return { pending: kept.header(PENDING) === "1", wakeAtUnixMs: wakeAt };
}
