// Workers and processes that are started ahead and wait for an identity: a restart
// takes one in place of waiting for a program to load. One for each kind that was
// asked for of late; bounded, and made anew only after a pause, so that a restart
// does not compete with the making of the next spare.

const MAX_KINDS = 2;
const REFILL_AFTER_MS = 250;
/** A spare that is not made by then is made at the next need. */
const MAX_FAILURES = 3;

export type SparePorts<T> = {
  readonly make: (kind: string) => Promise<T>;
  readonly isAlive: (spare: T) => boolean;
  readonly discard: (spare: T) => void;
};

type Kind<T> = { spare: T | undefined; refill: NodeJS.Timeout | undefined; failures: number };

export class Spares<T> {
  readonly #ports: SparePorts<T>;
  /** The one asked for last stands last. */
  readonly #kinds = new Map<string, Kind<T>>();
  #isClosed = false;

  constructor(ports: SparePorts<T>) {
    this.#ports = ports;
  }

  /** A spare of this kind, when one waits; another is made later in any case. */
  take(kind: string): T | undefined {
    if (this.#isClosed) return undefined;
    const entry = this.#kinds.get(kind) ?? { spare: undefined, refill: undefined, failures: 0 };
    this.#kinds.delete(kind);
    this.#kinds.set(kind, entry);
    this.#dropOldest();
    const { spare } = entry;
    entry.spare = undefined;
    this.#refillLater(kind, entry);
    return spare !== undefined && this.#ports.isAlive(spare) ? spare : undefined;
  }

  close(): void {
    this.#isClosed = true;
    for (const entry of this.#kinds.values()) this.#drop(entry);
    this.#kinds.clear();
  }

  #dropOldest(): void {
    const [oldest] = this.#kinds.size > MAX_KINDS ? this.#kinds : [];
    if (oldest === undefined) return;
    this.#kinds.delete(oldest[0]);
    this.#drop(oldest[1]);
  }

  #drop(entry: Kind<T>): void {
    clearTimeout(entry.refill);
    if (entry.spare !== undefined) this.#ports.discard(entry.spare);
    entry.spare = undefined;
  }

  #refillLater(kind: string, entry: Kind<T>): void {
    clearTimeout(entry.refill);
    entry.refill = setTimeout(() => void this.#refill(kind, entry), REFILL_AFTER_MS);
    entry.refill.unref();
  }

  async #refill(kind: string, entry: Kind<T>): Promise<void> {
    if (entry.spare !== undefined || entry.failures >= MAX_FAILURES) return;
    try {
      const spare = await this.#ports.make(kind);
      const isWanted = !this.#isClosed && this.#kinds.get(kind) === entry && entry.spare === undefined;
      if (isWanted) entry.spare = spare;
      else this.#ports.discard(spare);
      entry.failures = 0;
    } catch {
      entry.failures += 1;
    }
  }
}
