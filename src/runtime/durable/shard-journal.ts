// The journal of one shard that this node owns. What is accepted while a record is on
// its way goes into the next one, so that a busy shard writes few and large records. A
// record is written until it is known to be there: nobody hears "accepted" before that,
// and nobody hears "refused" of what may be there after all.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { sha256, toHex } from "../../security/bytes.ts";
import type { RecordSealer } from "../../security/records/record-sealer.ts";
import type { JournalStream } from "../../transport/durable/journal-stream.ts";
import { journalMark, type Marks } from "./marks.ts";
import { encodeJournalRecord, type JournalEntry, MAX_ENTRIES, positionOf } from "./records.ts";

/** The shard's newest record. */
export type JournalHead = { readonly sequence: number; readonly number: number; readonly hash: Uint8Array };

export type ShardJournalPorts = {
  readonly stream: Pick<JournalStream, "append">;
  readonly sealer: RecordSealer;
  readonly marks: Marks;
  readonly nowUnixMs: () => number;
  /** Another owner has written: this process owns the shard no more. */
  readonly onFenced: (shard: number) => void;
  /** Ends attempts at the node's stop. */
  readonly signal: AbortSignal;
};

export type Appended = {
  readonly position: number /** Of its record in the stream. */;
  readonly sequence: number;
};
type Accepted = (outcome: Result<Appended, CellError>) => void;
type Waiting = { readonly entry: JournalEntry; readonly accepted: Accepted };

/** Entries that wait while the broker is slow or away; more are refused. */
const MAX_WAITING = 4_096;
/** Of capsules in one record. */
const MAX_RECORD_BYTES = 4 * 1024 * 1024;

export class ShardJournal {
  readonly shard: number;
  readonly term: number;
  readonly #ports: ShardJournalPorts;
  #head: JournalHead;
  #waiting: Waiting[] = [];
  #writing = false;
  #closed: CellError | undefined;

  constructor(ports: ShardJournalPorts, shard: number, term: number, head: JournalHead) {
    this.shard = shard;
    this.term = term;
    this.#ports = ports;
    this.#head = head;
  }

  get head(): JournalHead {
    return this.#head;
  }

  /**
   * `accepted` hears the entry's place, in the order of these calls. Errors: ACTOR_FENCED,
   * CELL_NOT_ACCEPTING while too many wait, CELL_STOPPING, and what the broker refuses; then it
   * is not in the journal. It hears nothing of an entry that may be there all the same.
   */
  append(entry: JournalEntry, accepted: Accepted): void {
    if (this.#closed !== undefined) {
      accepted(err(this.#closed));
    } else if (this.#waiting.length >= MAX_WAITING) {
      const what = "too many intents wait for the journal";
      accepted(err(new CellError("CELL_NOT_ACCEPTING", what, { retryAfterMs: 100 })));
    } else {
      this.#waiting.push({ entry, accepted });
      if (!this.#writing) {
        this.#writing = true;
        queueMicrotask(() => this.#writeNext());
      }
    }
  }

  #writeNext(): void {
    const batch = this.#take();
    if (batch.length === 0) {
      this.#writing = false;
      return;
    }
    const bytes = encodeJournalRecord({
      shard: this.shard,
      term: this.term,
      number: this.#head.number + 1,
      previousHash: this.#head.hash,
      writtenUnixMs: this.#ports.nowUnixMs(),
      entries: batch.map(({ entry }) => entry),
    });
    this.#ports.sealer.seal({ kind: "journal", bytes }, (sealed) => {
      void this.#write(bytes, sealed, batch);
    });
  }

  async #write(bytes: Uint8Array, sealed: Uint8Array, batch: readonly Waiting[]): Promise<void> {
    const { stream, marks, signal } = this.#ports;
    const written = await stream.append(this.shard, sealed, this.#head.sequence, signal);
    if (!written.ok) {
      this.#failed(written.error, batch);
      return;
    }
    const hash = sha256(bytes);
    this.#head = { sequence: written.value, number: this.#head.number + 1, hash };
    await marks.note(journalMark(this.shard), { number: this.#head.number, hash: toHex(hash) });
    const { number, sequence } = this.#head;
    // The next record leaves before this one's intents are handled.
    this.#writeNext();
    batch.forEach(
      ({ accepted }, index) => void accepted(ok({ position: positionOf(number, index), sequence })),
    );
  }

  #take(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { entry } of this.#waiting) {
      bytes += entry.capsule.length;
      if (count > 0 && bytes > MAX_RECORD_BYTES) break;
      count += 1;
      if (count === MAX_ENTRIES) break;
    }
    return this.#waiting.splice(0, count);
  }

  #failed(cause: CellError, batch: readonly Waiting[]): void {
    const fenced = cause.code === "BROKER_STREAM_CONFLICT";
    const stopping = this.#ports.signal.aborted;
    // Whoever comes next may find it in the journal: nobody is told that it was refused.
    const isUnclear = cause.details.unclear === true || (stopping && !fenced);
    if (!fenced && !stopping) {
      // The broker's own word that it has not taken it, e.g. because it is full.
      for (const { accepted } of batch) accepted(err(cause));
      this.#writeNext();
      return;
    }
    const what = `shard ${this.shard} was taken over`;
    this.#closed = fenced
      ? new CellError("ACTOR_FENCED", what, { cause })
      : new CellError("CELL_STOPPING", undefined, { cause });
    const waiting = [...(isUnclear ? [] : batch), ...this.#waiting];
    this.#waiting = [];
    if (fenced) this.#ports.onFenced(this.shard);
    for (const { accepted } of waiting) accepted(err(this.#closed));
  }
}
