// Takes a shard: a record of a higher term at the end of its journal, under compare-and-set.
// Once it is there no earlier owner can add anything, and what lies before it is all that
// was ever accepted. Then reads that, from where the journal is trimmed.
import { CellError } from "../../errors/cell-error.ts";
import { equalBytes, sha256, toHex } from "../../security/bytes.ts";
import type { RecordSealer } from "../../security/records/record-sealer.ts";
import { openChained, openRecord } from "../../security/records/sealed-record.ts";
import type { Kept } from "../../transport/durable/durable-stream.ts";
import type { JournalStream } from "../../transport/durable/journal-stream.ts";
import { journalMark, type Mark, type Marks, NO_HASH, trimMark } from "./marks.ts";
import {
  decodeJournalRecord,
  encodeJournalRecord,
  type JournalEntry,
  type JournalRecord,
  positionOf,
} from "./records.ts";
import type { JournalHead } from "./shard-journal.ts";

export type TakeShardPorts = {
  readonly stream: JournalStream;
  readonly sealer: RecordSealer;
  readonly marks: Marks;
  readonly genesisHash: Uint8Array;
  /** Whether this is the key of a node of the cell that is certified for the shard. */
  readonly isNodeKey: (key: Uint8Array, shard: number) => boolean;
  readonly nowUnixMs: () => number;
  readonly signal: AbortSignal;
};

export type KeptEntry = {
  readonly position: number;
  /** Of its record in the stream. */
  readonly sequence: number;
  readonly acceptedUnixMs: number;
  readonly entry: JournalEntry;
};

export type TakenShard = {
  readonly term: number;
  readonly head: JournalHead;
  /** In order, from where the journal is trimmed. */
  readonly entries: readonly KeptEntry[];
  /** That lie in the journal, its own at the end included; each start of an owner leaves one. */
  readonly records: number;
};

type Read = { readonly kept: Kept; readonly record: JournalRecord; readonly hash: Uint8Array };

/** Owners that race for one shard, before one gives way. */
const MAX_ATTEMPTS = 8;

/**
 * @param leastTerm the term to take it with, or higher when it had that one before
 * Throws STATE_ROLLED_BACK, STATE_JOURNAL_BROKEN, STATE_FORGED; ACTOR_FENCED when others keep taking it;
 * and what the broker refuses.
 */
export async function takeShard(
  ports: TakeShardPorts,
  shard: number,
  leastTerm: number,
): Promise<TakenShard> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const last = await readLast(ports, shard);
    const term = Math.max(leastTerm, (last?.record.term ?? 0) + 1);
    const bytes = encodeJournalRecord({
      shard,
      term,
      number: (last?.record.number ?? 0) + 1,
      previousHash: last?.hash ?? new Uint8Array(),
      writtenUnixMs: ports.nowUnixMs(),
      entries: [],
    });
    const sealed = await new Promise<Uint8Array>((resolve) => {
      ports.sealer.seal({ kind: "journal", bytes }, resolve);
    });
    const written = await ports.stream.append(shard, sealed, last?.kept.sequence ?? 0, ports.signal);
    if (written.ok) {
      const hash = sha256(bytes);
      const head = { sequence: written.value, number: (last?.record.number ?? 0) + 1, hash };
      const mark = ports.marks.get(journalMark(shard));
      const read = await readEntries(ports, shard, head, mark);
      await ports.marks.note(journalMark(shard), { number: head.number, hash: toHex(hash) });
      return { term, head, ...read };
    }
    if (written.error.code !== "BROKER_STREAM_CONFLICT") throw written.error;
  }
  throw new CellError("ACTOR_FENCED", `shard ${shard} is being taken by others`);
}

async function readLast(ports: TakeShardPorts, shard: number): Promise<Read | undefined> {
  const kept = await ports.stream.last(shard);
  const mark = ports.marks.get(journalMark(shard));
  if (kept === undefined) {
    if (mark === undefined) return undefined;
    throw rolledBack(shard, mark, 0);
  }
  const opened = openRecord("journal", kept.data, ports.genesisHash);
  if (!opened.ok) throw opened.error;
  const { bytes, hash, signer } = opened.value;
  // The mark vouches for a record whose signer's key has been replaced since.
  if (!ports.isNodeKey(signer, shard) && mark?.hash !== toHex(hash)) {
    throw new CellError(
      "STATE_FORGED",
      `the journal of shard ${shard} ends with a record of no node that is certified for it`,
    );
  }
  const record = decodeJournalRecord(bytes);
  if (!record.ok) throw record.error;
  if (record.value.shard !== shard) throw broken(shard, "its last record is another shard's");
  if (mark !== undefined && isBehind(record.value.number, hash, mark)) {
    throw rolledBack(shard, mark, record.value.number);
  }
  return { kept, record: record.value, hash };
}

const isBehind = (number: number, hash: Uint8Array, mark: Mark): boolean =>
  number < mark.number || (number === mark.number && toHex(hash) !== mark.hash);

/**
 * Each record names the hash of the one before: the last one, which this process has written, vouches for all.
 * What this node has taken out is passed over: a broker that died while it did so can bring a part of it back.
 */
async function readEntries(
  { stream, marks }: TakeShardPorts,
  shard: number,
  head: JournalHead,
  mark: Mark | undefined,
): Promise<Pick<TakenShard, "entries" | "records">> {
  const entries: KeptEntry[] = [];
  const oldest = marks.get(trimMark(shard))?.number;
  let first: number | undefined;
  let before: { readonly hash: Uint8Array; readonly number: number } | undefined;
  for (let from = 1; from <= head.sequence; ) {
    const page = await stream.page(shard, from);
    if (page.length === 0) break;
    for (const { data, sequence } of page) {
      from = sequence + 1;
      const opened = openChained(data);
      if (!opened.ok) throw opened.error;
      const { bytes, hash } = opened.value;
      const record = decodeJournalRecord(bytes);
      if (!record.ok) throw record.error;
      const { number, previousHash, writtenUnixMs } = record.value;
      if (oldest !== undefined && number < oldest) continue;
      const follows =
        before === undefined || (equalBytes(previousHash, before.hash) && number === before.number + 1);
      if (!follows) throw broken(shard, `record ${number} does not follow on the one before it`);
      if (number === mark?.number && toHex(hash) !== mark.hash) throw rolledBack(shard, mark, number);
      first ??= number;
      before = { hash, number };
      record.value.entries.forEach((entry, index) => {
        entries.push({ position: positionOf(number, index), sequence, acceptedUnixMs: writtenUnixMs, entry });
      });
    }
  }
  if (before === undefined || !equalBytes(before.hash, head.hash)) {
    throw broken(shard, "it could not be read to its end");
  }
  // Its number is vouched for by now.
  if (first !== undefined && oldest === undefined)
    await marks.note(trimMark(shard), { number: first, hash: NO_HASH });
  // What this node has not taken out itself must be there.
  if (first !== undefined && oldest !== undefined && first > oldest)
    throw broken(shard, `it begins with record ${first}, record ${oldest} is missing`);
  return { entries, records: first === undefined ? 0 : head.number - first + 1 };
}

const broken = (shard: number, why: string) =>
  new CellError("STATE_JOURNAL_BROKEN", `the journal of shard ${shard} is broken: ${why}`);

const rolledBack = (shard: number, mark: Mark, number: number) =>
  new CellError(
    "STATE_ROLLED_BACK",
    `the journal of shard ${shard} ends at record ${number}, this node has seen record ${mark.number}`,
    { remedy: "Bring back the newer data; the durable actors of this shard do not start until then." },
  );
