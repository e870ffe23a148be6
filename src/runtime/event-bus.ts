// A node's events on their way to the bus: what comes within a few milliseconds goes out
// together, so that an intent is not charged a write to the broker for each of its events.
// The log has them at once; the bus is for who watches.

/** Longest that an event waits for others. */
const GATHERED_MS = 10;
/** Events that wait at most; one more sends them. */
const MAX_GATHERED = 256;

export type EventBusOptions = {
  /** Whether the bus can be reached; what is added or due while it cannot stays in the log alone. */
  readonly isOpen: () => boolean;
  readonly publish: (subject: string, bytes: Uint8Array) => void;
  /** Hears what `publish` throws; the rest of what waited is not sent. */
  readonly onFailure: (error: unknown) => void;
};

export class EventBus {
  readonly #options: EventBusOptions;
  #gathered: (readonly [subject: string, bytes: Uint8Array])[] = [];

  constructor(options: EventBusOptions) {
    this.#options = options;
  }

  /** Events leave in the order in which they came. */
  add(subject: string, bytes: Uint8Array): void {
    if (!this.#options.isOpen()) return;
    if (this.#gathered.length >= MAX_GATHERED) this.flush();
    this.#gathered.push([subject, bytes]);
    if (this.#gathered.length === 1) setTimeout(() => this.flush(), GATHERED_MS).unref();
  }

  /** Hands over what waits. Never throws. */
  flush(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    if (!this.#options.isOpen()) return;
    try {
      for (const [subject, bytes] of gathered) this.#options.publish(subject, bytes);
    } catch (error) {
      this.#options.onFailure(error);
    }
  }
}
