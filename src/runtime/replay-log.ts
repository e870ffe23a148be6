// The replay window's memory on disk: written once a turn before anything begins
// or leaves, read at the next start. When it cannot vouch for everything since it
// was begun (missing, damaged, of another run of the machine, or newer than the
// clock), it says so, and what was issued before this start is refused.
import { rmSync } from "node:fs";
import { type RememberedCapsule, type ReplayJournal, recall } from "../security/replay/replay-memory.ts";
import { type ReplayRecord, readReplayRecords } from "../security/replay/replay-record.ts";
import { ReplayQueue } from "./replay-queue.ts";
import { readSegments, type Segment, SegmentFiles } from "./segment-files.ts";

export type ReplayLogOptions = {
  readonly directory: string;
  /** Of this run of the machine: what a power loss cut short is told by it. */
  readonly bootId: string;
  readonly startedAtUnixMs: number;
  /** What a clock that is ahead had issued up to this time may have been accepted before. */
  readonly floorUnixMs: number;
  readonly onProblem: (error: unknown) => void;
  /** Bytes of one file; default 4 MiB. */
  readonly segmentBytes?: number;
};

export type ReplayLog = ReplayJournal & {
  /** Everything accepted since this time is known; what was issued before is to be refused. */
  readonly sinceUnixMs: number;
  /** Whether an earlier process's records were whole. */
  readonly inherited: boolean;
  readonly remembered: readonly RememberedCapsule[];
  close(): void;
};

const SEGMENT_BYTES = 4 * 1024 * 1024;
/** Replies are kept for whoever did not hear them because of a death: the newest are enough. */
const REPLY_SEGMENTS = 2;
const FORMAT = 2;
/** After a failed write, until the log is begun again. */
const PAUSE_MS = 1_000;
/** How far ahead a sender's clock may be. */
const AHEAD_MS = 5_250;

export function openReplayLog(options: ReplayLogOptions): ReplayLog {
  const found = readLog(options);
  const sinceUnixMs = found?.sinceUnixMs ?? Math.max(options.startedAtUnixMs, options.floorUnixMs);
  const log = new Log(options, sinceUnixMs, found);
  return Object.assign(log, {
    sinceUnixMs,
    inherited: found !== undefined,
    remembered: found?.remembered ?? [],
  });
}

type Found = {
  readonly sinceUnixMs: number;
  readonly remembered: readonly RememberedCapsule[];
  readonly ids: readonly { readonly number: number; readonly untilUnixMs: number }[];
  readonly replies: readonly number[];
};

class Log implements ReplayJournal {
  readonly #options: ReplayLogOptions;
  #ids: SegmentFiles;
  #replies: SegmentFiles;
  /** Segments of ids, with the time until which each is needed; the newest is the one written to. */
  #needed: Map<number, number>;
  #oldestReplies: number;
  readonly #waitingIds = new ReplayQueue();
  readonly #waitingReplies = new ReplayQueue();
  #scheduled = false;
  #pausedUntilMs = 0;
  #latestUntilMs = 0;

  constructor(options: ReplayLogOptions, sinceUnixMs: number, found: Found | undefined) {
    this.#options = options;
    if (found === undefined) rmSync(options.directory, { recursive: true, force: true });
    const replies = found?.replies ?? [];
    [this.#ids, this.#replies] = this.#files(
      sinceUnixMs,
      found?.ids.at(-1)?.number ?? 0,
      replies.at(-1) ?? 0,
    );
    this.#needed = new Map(found?.ids.map(({ number, untilUnixMs }) => [number, untilUnixMs]));
    this.#oldestReplies = replies[0] ?? 1;
    // A start that takes nothing leaves a log as well.
    this.#guarded(() => this.#ids.append(new Uint8Array()));
  }

  record(record: ReplayRecord): void {
    const queue = record.kind === "replied" ? this.#waitingReplies : this.#waitingIds;
    if (!queue.add(record)) return;
    if (record.kind === "accepted") this.#latestUntilMs = Math.max(this.#latestUntilMs, record.untilUnixMs);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Before the actors' turn, which is a microtask that is queued later.
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Replies first: one whose end is written down is whole. */
  flush(): void {
    if (this.#waitingReplies.isEmpty && this.#waitingIds.isEmpty) return;
    const replies = this.#waitingReplies.take();
    const ids = this.#waitingIds.take();
    this.#guarded(() => {
      if (replies.length > 0) this.#replies.append(replies);
      if (ids.length > 0) this.#ids.append(ids);
      this.#dropOld();
    });
  }

  close(): void {
    this.flush();
    this.#ids.close();
    this.#replies.close();
  }

  #dropOld(): void {
    const { number } = this.#ids;
    if (!this.#needed.has(number)) {
      // From the oldest on: a gap would make the log worthless.
      for (const [old, untilUnixMs] of this.#needed) {
        if (untilUnixMs > Date.now()) break;
        this.#ids.remove(old);
        this.#needed.delete(old);
      }
    }
    this.#needed.set(number, this.#latestUntilMs);
    for (; this.#oldestReplies <= this.#replies.number - REPLY_SEGMENTS; this.#oldestReplies++)
      this.#replies.remove(this.#oldestReplies);
  }

  /** A log with a gap would vouch for what it does not know: it is removed, and begun again later. */
  #guarded(write: () => void): void {
    if (performance.now() < this.#pausedUntilMs) return;
    try {
      if (this.#pausedUntilMs > 0) this.#begin();
      write();
    } catch (error) {
      this.#pausedUntilMs = performance.now() + PAUSE_MS;
      this.#options.onProblem(error);
      this.#discard();
    }
  }

  #begin(): void {
    this.#pausedUntilMs = 0;
    [this.#ids, this.#replies] = this.#files(Date.now() + AHEAD_MS, 0, 0);
    this.#needed = new Map();
    this.#oldestReplies = 1;
  }

  #discard(): void {
    try {
      this.#ids.close();
      this.#replies.close();
      rmSync(this.#options.directory, { recursive: true, force: true });
    } catch (error) {
      this.#options.onProblem(error);
    }
  }

  #files(sinceUnixMs: number, lastIds: number, lastReplies: number): [SegmentFiles, SegmentFiles] {
    const { directory, segmentBytes: maxBytes = SEGMENT_BYTES } = this.#options;
    const header = headerOf(this.#options.bootId, sinceUnixMs);
    return [
      new SegmentFiles({ directory, name: "ids", header, maxBytes }, lastIds),
      new SegmentFiles({ directory, name: "replies", header, maxBytes }, lastReplies),
    ];
  }
}

const headerOf = (bootId: string, sinceUnixMs: number): Buffer =>
  Buffer.from(`${JSON.stringify({ format: FORMAT, bootId, sinceUnixMs })}\n`);

/** Undefined unless everything that it should hold can be read. */
function readLog(options: ReplayLogOptions): Found | undefined {
  const { directory, startedAtUnixMs } = options;
  try {
    const ids = readSegments(directory, "ids");
    const replies = readSegments(directory, "replies");
    const sinceUnixMs = commonStart(ids, options.bootId);
    if (sinceUnixMs === undefined || ids.some(({ changedUnixMs }) => changedUnixMs > startedAtUnixMs))
      return undefined;
    const read = ids.map(({ number, bytes }) => ({ number, records: recordsOf(bytes) }));
    const kept = replies.flatMap(({ bytes }) => recordsOf(bytes) ?? []);
    const records: ReplayRecord[] = [];
    for (const segment of read) {
      if (segment.records === undefined) return undefined;
      for (const record of segment.records) records.push(record);
    }
    const accepted = records.filter(({ kind }) => kind === "accepted");
    return {
      sinceUnixMs,
      remembered: recall(
        [...accepted, ...kept, ...records.filter(({ kind }) => kind !== "accepted")],
        startedAtUnixMs,
      ),
      ids: read.map(({ number, records }) => ({ number, untilUnixMs: latestOf(records ?? []) })),
      replies: replies.map(({ number }) => number),
    };
  } catch {
    return undefined;
  }
}

/**
 * Every file is of one row without a gap, begun at one time, in this run of the machine. One that
 * is empty was made by a process that died before it wrote anything.
 */
function commonStart(segments: readonly Segment[], bootId: string): number | undefined {
  const first = segments.find(({ bytes }) => bytes.length > 0);
  const header = first === undefined ? undefined : readHeader(first.bytes);
  if (first === undefined || header?.bootId !== bootId) return undefined;
  const fits = segments.every(({ number, bytes }, at) => {
    const own = bytes.length === 0 ? header : readHeader(bytes);
    return (
      number === (segments[0]?.number ?? 0) + at &&
      own?.bootId === bootId &&
      own.sinceUnixMs === header.sinceUnixMs
    );
  });
  return fits ? header.sinceUnixMs : undefined;
}

function readHeader(bytes: Buffer): { readonly bootId: string; readonly sinceUnixMs: number } | undefined {
  const end = bytes.indexOf(0x0a);
  if (end < 0 || end > 1_024) return undefined;
  const header: unknown = JSON.parse(bytes.toString("utf8", 0, end));
  if (typeof header !== "object" || header === null) return undefined;
  if (!("format" in header && "bootId" in header && "sinceUnixMs" in header)) return undefined;
  const { format, bootId, sinceUnixMs } = header;
  if (format !== FORMAT || typeof bootId !== "string" || typeof sinceUnixMs !== "number") return undefined;
  return { bootId, sinceUnixMs };
}

const recordsOf = (bytes: Buffer): readonly ReplayRecord[] | undefined =>
  readReplayRecords(bytes.subarray(bytes.indexOf(0x0a) + 1));

const latestOf = (records: readonly ReplayRecord[]): number =>
  records.reduce(
    (latest, record) => (record.kind === "accepted" ? Math.max(latest, record.untilUnixMs) : latest),
    0,
  );
