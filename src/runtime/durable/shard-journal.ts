// The journal of one shard that this node owns. What is accepted while a record is on
// its way goes into the next one, so that a busy shard writes few and large records. A
// record is written until it is known to be there: nobody hears "accepted" before that,
// and nobody hears "refused" of what may be there after all.
//
// Who is awake is given an entry as soon as its place is known, and may have it decided and
// committed while the record is on its way; what follows from that waits for `kept`. Once a
// place was given, its record is written until it is there, or until the shard is another's.
import { setTimeout as pause } from "node:timers/promises";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { sha256, toHex } from "../../security/bytes.ts";
import type { RecordSealer } from "../../security/records/record-sealer.ts";
import type { JournalStream } from "../../transport/durable/journal-stream.ts";
import { journalMark, type Marks } from "./marks.ts";
import { encodeJournalRecord, type JournalEntry, MAX_ENTRIES, positionOf, recordOf } from "./records.ts";

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

export type AppendListener = {
  /** Its place, before it is known to be kept; not called while the broker refuses records. */
  readonly placed?: (position: number) => void;
  readonly accepted: (outcome: Result<Appended, CellError>) => void;
};
type Waiting = AppendListener & { readonly entry: JournalEntry };
/** A record that is on its way. */
type Flight = {
  readonly number: number;
  readonly batch: readonly Waiting[];
  /** Its entries were given their places: it is never taken back. */
  readonly isPlaced: boolean;
  readonly word: PromiseWithResolvers<Result<void, CellError>>;
};

/** Entries that wait while the broker is slow or away; more are refused. */
const MAX_WAITING = 4_096;
/** Of capsules in one record. */
const MAX_RECORD_BYTES = 4 * 1024 * 1024;
/** Between attempts to write a record that the broker refuses. */
const REFUSED_PAUSE_MS = 250;

export class ShardJournal {
  readonly shard: number;
  readonly term: number;
  readonly #ports: ShardJournalPorts;
  #head: JournalHead;
  #waiting: Waiting[] = [];
  #writing = false;
  #flight: Flight | undefined;
  /** What the broker said when it refused the last record: nothing is placed until one is kept. */
  #refusal: CellError | undefined;
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
  append(entry: JournalEntry, listener: AppendListener): void {
    const stuck = this.#flight?.isPlaced === true ? this.#refusal : undefined;
    const closed = this.#closed ?? stuck;
    if (closed !== undefined) {
      listener.accepted(err(closed));
    } else if (this.#waiting.length >= MAX_WAITING) {
      const what = "too many intents wait for the journal";
      listener.accepted(err(new CellError("CELL_NOT_ACCEPTING", what, { retryAfterMs: 100 })));
    } else {
      this.#waiting.push({ entry, ...listener });
      if (!this.#writing) {
        this.#writing = true;
        queueMicrotask(() => this.#writeNext());
      }
    }
  }

  /** Undefined: the record of this place is there. An error: nothing may follow from the place. */
  kept(position: number): Promise<Result<void, CellError>> | undefined {
    const number = recordOf(position);
    if (this.#flight?.number === number) return this.#flight.word.promise;
    const closed = this.#closed;
    // Its record never came about, or nobody knows.
    return closed !== undefined && number > this.#head.number ? Promise.resolve(err(closed)) : undefined;
  }

  #writeNext(): void {
    const batch = this.#take();
    if (batch.length === 0) {
      this.#writing = false;
      return;
    }
    const number = this.#head.number + 1;
    const isPlaced = this.#refusal === undefined && batch.some(({ placed }) => placed !== undefined);
    const flight: Flight = { number, batch, isPlaced, word: Promise.withResolvers() };
    this.#flight = flight;
    const bytes = encodeJournalRecord({
      shard: this.shard,
      term: this.term,
      number,
      previousHash: this.#head.hash,
      writtenUnixMs: this.#ports.nowUnixMs(),
      entries: batch.map(({ entry }) => entry),
    });
    this.#ports.sealer.seal({ kind: "journal", bytes }, (sealed) => void this.#write(bytes, sealed, flight));
    if (isPlaced) batch.forEach(({ placed }, index) => void placed?.(positionOf(number, index)));
  }

  async #write(bytes: Uint8Array, sealed: Uint8Array, flight: Flight): Promise<void> {
    const { stream, marks, signal } = this.#ports;
    const written = await stream.append(this.shard, sealed, this.#head.sequence, signal);
    if (!written.ok) {
      if (!this.#mustEnd(written.error) && flight.isPlaced) this.#again(bytes, sealed, flight, written.error);
      else this.#failed(written.error, flight);
      return;
    }
    const hash = sha256(bytes);
    const { number, batch, word, isPlaced } = flight;
    this.#head = { sequence: written.value, number, hash };
    this.#refusal = undefined;
    await marks.note(journalMark(this.shard), { number, hash: toHex(hash) });
    const { sequence } = this.#head;
    this.#flight = undefined;
    word.resolve(ok(undefined));
    const tell = () =>
      batch.forEach(
        ({ accepted }, index) => void accepted(ok({ position: positionOf(number, index), sequence })),
      );
    // The next record leaves before this one's intents are handled, unless they have yet to come to their actors:
    // they come before those that it gives their places.
    if (!isPlaced) tell();
    this.#writeNext();
    if (isPlaced) tell();
  }

  /** The broker has not taken it, e.g. because it is full; but commits that follow from it may be there. */
  #again(bytes: Uint8Array, sealed: Uint8Array, flight: Flight, refusal: CellError): void {
    const { signal } = this.#ports;
    this.#refusal = refusal;
    for (const { accepted } of this.#waiting.splice(0)) accepted(err(refusal));
    void pause(REFUSED_PAUSE_MS, undefined, { signal, ref: false })
      .catch(() => undefined)
      .then(() => this.#write(bytes, sealed, flight));
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

  #mustEnd({ code }: CellError): boolean {
    return code === "BROKER_STREAM_CONFLICT" || this.#ports.signal.aborted;
  }

  #failed(cause: CellError, { batch, isPlaced, word }: Flight): void {
    this.#flight = undefined;
    if (!this.#mustEnd(cause)) {
      // The broker's own word that it has not taken it.
      this.#refusal = cause;
      for (const { accepted } of batch) accepted(err(cause));
      this.#writeNext();
      return;
    }
    const fenced = cause.code === "BROKER_STREAM_CONFLICT";
    const what = `shard ${this.shard} was taken over`;
    this.#closed = fenced
      ? new CellError("ACTOR_FENCED", what, { cause })
      : new CellError("CELL_STOPPING", undefined, { cause });
    // Whoever comes next may find it in the journal, or what follows from it in a commit: nobody
    // is told that it was refused.
    const isUnclear = isPlaced || cause.details.unclear === true || !fenced;
    const waiting = [...(isUnclear ? [] : batch), ...this.#waiting];
    this.#waiting = [];
    if (fenced) this.#ports.onFenced(this.shard);
    word.resolve(err(this.#closed));
    for (const { accepted } of waiting) accepted(err(this.#closed));
  }
}
