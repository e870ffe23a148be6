// Where everything that happens on a node is recorded: gives each event its id, time and
// sequence, writes it to the log and tells whoever publishes. Recording never throws and
// never waits; what could not be kept is counted.
import { type EventInput, type EventKindName, encodeEvent, eventId, type HybridNow } from "./event.ts";
import type { EventLog } from "./event-log.ts";
import { type RefusalInput, Refusals } from "./refusals.ts";

export type RecorderOptions = {
  readonly node: string;
  readonly log: EventLog;
  /** The node's hybrid clock; the wall clock with a counter by default. */
  readonly now?: HybridNow;
  /** Hears of each event with its bytes; what it throws is counted and goes no further. */
  readonly publish?: (kind: EventKindName, bytes: Uint8Array) => void;
};

export type RecorderStats = {
  readonly recorded: number;
  /** Not kept: no room in the log, or an input that is no event. */
  readonly dropped: number;
  readonly publishFailures: number;
  readonly lastError: string | undefined;
};

export type Recorder = {
  record(input: EventInput): void;
  /** Further listeners, such as a watch command's. Returns what ends it. */
  subscribe(listener: (kind: EventKindName, bytes: Uint8Array) => void): () => void;
  /** Writes out refusals that are still being added up, and the log's queue. */
  flush(): void;
  stats(): RecorderStats;
  /** Flushes; the log is its owner's to close. */
  close(): void;
};

const MAX_LISTENERS = 64;

export function createRecorder(options: RecorderOptions): Recorder {
  return new EventRecorder(options);
}

class EventRecorder implements Recorder {
  readonly #node: string;
  readonly #log: EventLog;
  readonly #now: HybridNow;
  readonly #listeners = new Set<(kind: EventKindName, bytes: Uint8Array) => void>();
  readonly #refusals: Refusals;
  #sequence: bigint;
  #recorded = 0;
  #dropped = 0;
  #publishFailures = 0;
  #lastError: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor({ node, log, now = wallClock(), publish }: RecorderOptions) {
    this.#node = node;
    this.#log = log;
    this.#now = now;
    this.#sequence = log.opened.lastSequence;
    this.#refusals = new Refusals((input) => this.#write(input));
    if (publish !== undefined) this.#listeners.add(publish);
  }

  record(input: EventInput): void {
    if (isRefusal(input)) this.#addRefusal(input);
    else this.#write(input);
  }

  #addRefusal(input: RefusalInput): void {
    const { unixMs } = this.#now();
    this.#refusals.add(input, unixMs);
    this.#timer ??= setTimeout(() => this.flush(), 1_000 - (unixMs % 1_000)).unref();
  }

  #write(input: EventInput): void {
    try {
      const time = this.#now();
      const sequence = this.#sequence + 1n;
      const bytes = encodeEvent(input, { node: this.#node, id: eventId(time.unixMs), time, sequence });
      this.#sequence = sequence;
      if (this.#log.append(bytes)) this.#recorded++;
      else this.#dropped++;
      this.#tell(input.kind.case, bytes);
    } catch (error) {
      this.#dropped++;
      this.#lastError = messageOf(error);
    }
  }

  #tell(kind: EventKindName, bytes: Uint8Array): void {
    for (const listener of this.#listeners) {
      try {
        listener(kind, bytes);
      } catch (error) {
        this.#publishFailures++;
        this.#lastError = messageOf(error);
      }
    }
  }

  subscribe(listener: (kind: EventKindName, bytes: Uint8Array) => void): () => void {
    if (this.#listeners.size >= MAX_LISTENERS) throw new RangeError(`more than ${MAX_LISTENERS} listeners`);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#refusals.flush();
    this.#log.flush();
  }

  stats(): RecorderStats {
    return {
      recorded: this.#recorded,
      dropped: this.#dropped,
      publishFailures: this.#publishFailures,
      lastError: this.#lastError ?? this.#log.stats().lastError,
    };
  }

  close(): void {
    this.flush();
  }
}

function isRefusal(input: EventInput): input is RefusalInput {
  return input.kind.case === "intentRefused";
}

/** A hybrid clock of this process alone: never steps back, counts within a millisecond. */
function wallClock(): HybridNow {
  let last = { unixMs: 0, counter: 0 };
  return () => {
    const unixMs = Date.now();
    last = unixMs > last.unixMs ? { unixMs, counter: 0 } : { ...last, counter: last.counter + 1 };
    return last;
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
