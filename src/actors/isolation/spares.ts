// Workers and processes that are started ahead and wait for an identity: a restart
// takes one in place of waiting for a program to load. Two of each kind that was asked
// for of late, as a second restart may come before the next is made; made one at a time,
// and after a pause, so that their making does not compete with the restart that took one.

const MAX_KINDS = 2;
const SPARES_OF_A_KIND = 2;
const REFILL_AFTER_MS = 60;
/** Where restarts do not end, spares are needed most. */
const REFILL_AT_LATEST_MS = 250;
/** In a row; then none is made before the next need. */
const MAX_FAILURES = 3;

export type SparePorts<T> = {
  /** Resolves when it can be taken; it may still be loading. */
  readonly make: (kind: string) => Promise<T>;
  /** Resolves when nothing more is to be waited for before the next is made, also when it came to nothing. */
  readonly settled: (spare: T) => Promise<void>;
  readonly isAlive: (spare: T) => boolean;
  readonly discard: (spare: T) => void;
};

/** The one made first stands first. */
type Kind<T> = { readonly name: string; readonly spares: T[]; failures: number };

export class Spares<T> {
  readonly #ports: SparePorts<T>;
  /** The one asked for last stands last. */
  readonly #kinds = new Map<string, Kind<T>>();
  #refill: NodeJS.Timeout | undefined;
  #refillAtLatestMs: number | undefined;
  #isMaking = false;
  #isClosed = false;

  constructor(ports: SparePorts<T>) {
    this.#ports = ports;
  }

  /** A spare of this kind, when one waits; others are made later in any case. */
  take(name: string): T | undefined {
    if (this.#isClosed) return undefined;
    const kind = this.#kinds.get(name) ?? { name, spares: [], failures: 0 };
    this.#kinds.delete(name);
    this.#kinds.set(name, kind);
    // What failed is tried once more at each need.
    kind.failures = Math.min(kind.failures, MAX_FAILURES - 1);
    this.#dropOldest();
    this.#refillLater();
    for (;;) {
      const spare = kind.spares.shift();
      if (spare === undefined || this.#ports.isAlive(spare)) return spare;
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#refill);
    for (const kind of this.#kinds.values()) this.#drop(kind);
    this.#kinds.clear();
  }

  #dropOldest(): void {
    const [oldest] = this.#kinds.size > MAX_KINDS ? this.#kinds.values() : [];
    if (oldest === undefined) return;
    this.#kinds.delete(oldest.name);
    this.#drop(oldest);
  }

  #drop(kind: Kind<T>): void {
    for (const spare of kind.spares.splice(0)) this.#ports.discard(spare);
  }

  /** After the last of several that are taken at once, but not put off for ever. */
  #refillLater(): void {
    if (this.#isMaking) return;
    const now = performance.now();
    this.#refillAtLatestMs ??= now + REFILL_AT_LATEST_MS;
    clearTimeout(this.#refill);
    const inMs = Math.min(REFILL_AFTER_MS, Math.max(0, this.#refillAtLatestMs - now));
    this.#refill = setTimeout(() => {
      this.#refillAtLatestMs = undefined;
      void this.#makeMissing();
    }, inMs).unref();
  }

  async #makeMissing(): Promise<void> {
    this.#isMaking = true;
    for (let kind = this.#neediest(); kind !== undefined; kind = this.#neediest()) await this.#make(kind);
    this.#isMaking = false;
  }

  /** The kind asked for last comes first; what has failed too often waits for the next need. */
  #neediest(): Kind<T> | undefined {
    if (this.#isClosed) return undefined;
    const needy = ({ spares, failures }: Kind<T>) =>
      spares.length < SPARES_OF_A_KIND && failures < MAX_FAILURES;
    return [...this.#kinds.values()].toReversed().find(needy);
  }

  async #make(kind: Kind<T>): Promise<void> {
    try {
      const spare = await this.#ports.make(kind.name);
      if (this.#kinds.get(kind.name) !== kind) return this.#ports.discard(spare);
      kind.spares.push(spare);
      await this.#ports.settled(spare);
      if (this.#ports.isAlive(spare)) kind.failures = 0;
      else kind.failures += 1;
    } catch {
      kind.failures += 1;
    }
  }
}
