// The stream of tokens whose uses are counted: one message a root, how often it and what was narrowed
// from it have served. Written only over the one before, so that of all nodes one wins. It forgets what
// has ended by itself, and takes no further root when it is full.
import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import type { BrokerConnection } from "../connection.ts";
import { allCounted, countedStreamName, countedSubject } from "../subjects.ts";
import { KernelStream } from "./kernel-stream.ts";

/** Of 64 links, with the headers that say what is expected. */
const MAX_RECORD_BYTES = 8 * 1024;
const MAX_ROOTS = 20_000;
/** More than all of them: a broker that is full by bytes refuses also what replaces another. */
const MAX_BYTES = 2 * MAX_ROOTS * MAX_RECORD_BYTES;
const NONCE_BYTES = 16;
/** Of narrowed links, and two of the root. */
const MAX_ROWS = 65;

export type Counts = {
  /** Of each link its hash, hex, how often it has served, and when it ends. */
  readonly tallies: readonly {
    readonly token: string;
    readonly used: number;
    readonly notAfterUnixMs: number;
  }[];
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

const record = z.strictObject({
  /** Unlike any other writer's: whose record it is that is there can be told. */
  nonce: z.string().max(64),
  tallies: z
    .array(z.tuple([z.string().regex(/^[0-9a-f]{64}(?:\.agents)?$/), z.int().min(0), z.int().min(0)]))
    .max(MAX_ROWS)
    .transform((rows) => rows.map(([token, used, notAfterUnixMs]) => ({ token, used, notAfterUnixMs }))),
});

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

function writeRecord(tallies: Counts["tallies"]): Uint8Array {
  const rows = tallies.map(({ token, used, notAfterUnixMs }) => [token, used, notAfterUnixMs]);
  const nonce = randomBytes(NONCE_BYTES).toString("hex");
  return Buffer.from(JSON.stringify({ nonce, tallies: rows }));
}

function readRecord(data: Uint8Array): Counts["tallies"] | undefined {
  try {
    const read = record.safeParse(JSON.parse(Buffer.from(data).toString("utf8")));
    return read.success ? read.data.tallies : undefined;
  } catch {
    return undefined;
  }
}
