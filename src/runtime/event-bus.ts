// A node's events on their way to the bus: what comes within a few milliseconds goes out
// together, and those of one kind that follow one another in one message (EventGroup of
// events.proto), so that an intent is not charged a message for each of its events. The log
// has them at once; the bus is for who watches.
import { ProtoWriter } from "../wire/proto-writer.ts";

/** Longest that an event waits for others. */
const GATHERED_MS = 10;
/** Events that wait at most; one more sends them. */
const MAX_GATHERED = 256;
/** Of events in one message; a larger one goes by itself. */
const MAX_GROUP_BYTES = 64 * 1024;
/** Of the group's only field, for each event. */
const MAX_FRAME_BYTES = 6;

export type EventBusOptions = {
  /** Whether the bus can be reached; what is added or due while it cannot stays in the log alone. */
  readonly isOpen: () => boolean;
  /** Takes one group. */
  readonly publish: (subject: string, bytes: Uint8Array) => void;
  /** Hears what `publish` throws; the rest of what waited is not sent. */
  readonly onFailure: (error: unknown) => void;
};

type Gathered = { readonly subject: string; readonly bytes: Uint8Array };

/** One for all groups. */
const writer = new ProtoWriter();

export class EventBus {
  readonly #options: EventBusOptions;
  #gathered: Gathered[] = [];

  constructor(options: EventBusOptions) {
    this.#options = options;
  }

  /** Events leave in the order in which they came. */
  add(subject: string, bytes: Uint8Array): void {
    if (!this.#options.isOpen()) return;
    if (this.#gathered.length >= MAX_GATHERED) this.flush();
    this.#gathered.push({ subject, bytes });
    if (this.#gathered.length === 1) setTimeout(() => this.flush(), GATHERED_MS).unref();
  }

  /** Hands over what waits. Never throws. */
  flush(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    if (!this.#options.isOpen()) return;
    try {
      for (let at = 0; at < gathered.length; ) at = this.#publishFrom(gathered, at);
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  /** The group that begins there; returns where the next one does. Only neighbours share one, so that the order stays. */
  #publishFrom(gathered: readonly Gathered[], from: number): number {
    const subject = gathered[from]?.subject ?? "";
    let groupBytes = 0;
    let at = from;
    for (let next = gathered[at]; next?.subject === subject; next = gathered[at]) {
      groupBytes += next.bytes.length + MAX_FRAME_BYTES;
      if (groupBytes > MAX_GROUP_BYTES && at > from) break;
      writer.element(1, next.bytes);
      at += 1;
    }
    this.#options.publish(subject, writer.take());
    return at;
  }
}
