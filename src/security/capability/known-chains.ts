// Chains that were found sound, by their hash. Bounded in bytes, in all and for each holder, so
// that nobody can make it forget those of others by many of its own.
import type { Chain } from "./chain.ts";

/** Of the chains as they travel; parsed they take some eight times as much. */
export type KnownBytes = { readonly all: number; readonly each: number };
const DEFAULT: KnownBytes = { all: 8 * 1024 * 1024, each: 64 * 1024 };

type Held = {
  readonly chains: Map<string, { readonly chain: Chain; readonly bytes: number }>;
  bytes: number;
};

export class KnownChains {
  readonly #bound: KnownBytes;
  /** By holder; who used one longest ago comes first. */
  readonly #holders = new Map<string, Held>();
  #bytes = 0;

  constructor(bound: KnownBytes = DEFAULT) {
    this.#bound = bound;
  }

  get(holder: string, name: string): Chain | undefined {
    const held = this.#holders.get(holder);
    const known = held?.chains.get(name);
    if (held === undefined || known === undefined) return undefined;
    this.#holders.delete(holder);
    this.#holders.set(holder, held);
    held.chains.delete(name);
    held.chains.set(name, known);
    return known.chain;
  }

  keep(holder: string, name: string, chain: Chain, bytes: number): void {
    if (bytes > this.#bound.each) return;
    const held = this.#holders.get(holder) ?? { chains: new Map(), bytes: 0 };
    this.#holders.delete(holder);
    this.#holders.set(holder, held);
    this.#add(held, bytes - (held.chains.get(name)?.bytes ?? 0));
    held.chains.delete(name);
    held.chains.set(name, { chain, bytes });
    for (const [oldest, known] of held.chains) {
      if (held.bytes <= this.#bound.each) break;
      held.chains.delete(oldest);
      this.#add(held, -known.bytes);
    }
    for (const [oldest, { bytes: freed }] of this.#holders) {
      if (this.#bytes <= this.#bound.all) break;
      this.#holders.delete(oldest);
      this.#bytes -= freed;
    }
  }

  #add(held: Held, bytes: number): void {
    held.bytes += bytes;
    this.#bytes += bytes;
  }
}
