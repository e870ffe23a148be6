// The node's event log: records of serialised events, appended in memory and handed to the
// operating system once a turn of the event loop. A kill -9 loses at most that one turn.
// The queue is bounded and a full disk costs records, which are counted, never the node.
import { readFileSync, truncateSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { EventSchema } from "../gen/cell0/v1/events_pb.ts";
import { HEADER_BYTES, MAX_FRAME_BYTES, readFrames, writeFrame } from "./frames.ts";
import { RotatingFile, rotatedFiles } from "./rotating-file.ts";

export type EventLogOptions = {
  readonly path: string;
  /** 4 MiB by default. */
  readonly maxBytes?: number;
  /** 16 by default, the one written to included. */
  readonly maxFiles?: number;
  /** Bytes that may wait for the next turn; 4 MiB by default. */
  readonly maxQueuedBytes?: number;
};

/** What opening found; a torn tail was cut off, or set aside when it is more than one record. */
export type Opened = {
  readonly tornBytes: number;
  readonly damagedRecords: number;
  readonly lastSequence: bigint;
};

export type EventLogStats = {
  readonly written: number;
  /** Records that found no room, by the queue's bound or the disk's. */
  readonly dropped: number;
  readonly lastError: string | undefined;
};

const MIB = 1024 * 1024;
const FIRST_QUEUE_BYTES = 64 * 1024;

export class EventLog {
  readonly opened: Opened;
  readonly #file: RotatingFile;
  readonly #maxQueuedBytes: number;
  /** Frames that wait for the next write, one after the other; grows to the largest turn and is used again. */
  #queue = Buffer.allocUnsafeSlow(FIRST_QUEUE_BYTES);
  #queuedBytes = 0;
  #queued = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #written = 0;
  #dropped = 0;
  #lastError: string | undefined;
  #closed = false;

  /** @throws the system's error when the file cannot be opened or read */
  constructor(options: EventLogOptions) {
    const { path, maxBytes = 4 * MIB, maxFiles = 16, maxQueuedBytes = 4 * MIB } = options;
    const found = mend(path);
    this.#file = new RotatingFile({ path, maxBytes, maxFiles });
    if (found.setAside) this.#file.rotate();
    this.opened = found;
    this.#maxQueuedBytes = maxQueuedBytes;
  }

  /** Takes the bytes for the next write. False when they were dropped. Never throws. */
  append(bytes: Uint8Array): boolean {
    const fits = bytes.length > 0 && bytes.length <= MAX_FRAME_BYTES;
    if (this.#closed || !fits || this.#queuedBytes + bytes.length > this.#maxQueuedBytes) {
      this.#dropped++;
      return false;
    }
    this.#reserve(this.#queuedBytes + HEADER_BYTES + bytes.length);
    this.#queuedBytes = writeFrame(this.#queue, this.#queuedBytes, bytes);
    this.#queued += 1;
    this.#scheduled ??= setImmediate(() => this.flush());
    return true;
  }

  /** Hands everything queued to the operating system now. Never throws. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#queued === 0) return;
    const queued = this.#queued;
    const frames = this.#queue.subarray(0, this.#queuedBytes);
    this.#queued = 0;
    this.#queuedBytes = 0;
    try {
      this.#file.append(frames);
      this.#written += queued;
      this.#lastError = undefined;
    } catch (error) {
      this.#dropped += queued;
      this.#lastError = error instanceof Error ? error.message : String(error);
    }
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#queue.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#queue.length));
    this.#queue.copy(larger, 0, 0, this.#queuedBytes);
    this.#queue = larger;
  }

  stats(): EventLogStats {
    return { written: this.#written, dropped: this.#dropped, lastError: this.#lastError };
  }

  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Makes the file end with a whole record, without destroying more than one. */
function mend(path: string): Opened & { readonly setAside: boolean } {
  const files = rotatedFiles(path);
  if (files.at(-1) !== path) return { ...lastOf(files), tornBytes: 0, damagedRecords: 0, setAside: false };
  const bytes = readFileSync(path);
  const { end, damaged, records } = readFrames(bytes);
  const tornBytes = bytes.length - end;
  const setAside = tornBytes > MAX_FRAME_BYTES;
  // Read once: whoever takes over waits for it.
  const found = sequenceOf(records.at(-1)) ?? lastOf(files.slice(0, -1));
  if (tornBytes > 0 && !setAside) truncateSync(path, end);
  return { ...found, tornBytes, damagedRecords: damaged, setAside };
}

/** Sequence of the newest record that can be read. */
function lastOf(files: readonly string[]): { readonly lastSequence: bigint } {
  for (const file of files.toReversed()) {
    const last = sequenceOf(readFrames(readFileSync(file)).records.at(-1));
    if (last !== undefined) return last;
  }
  return { lastSequence: 0n };
}

const sequenceOf = (record: Uint8Array | undefined): { readonly lastSequence: bigint } | undefined =>
  record && { lastSequence: fromBinary(EventSchema, record).sequence };
