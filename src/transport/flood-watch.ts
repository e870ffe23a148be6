// Says when what finds no room is more than a node can bear to read, and whose it is. To
// turn a message away costs microseconds, but all come through one connection: behind those of who
// sends them without end everybody's wait in the broker.

/** Messages turned away within a second that are borne: as many as may wait of one sender. */
export const MAX_TURNED_AWAY = 4_096;
/** Of them one in so many makes a sender one of those who flood. */
const SHARE = 64;
/** So many bytes cost as much as a message more. */
const BYTES_OF_ONE = 1_024;

const NOBODY: readonly string[] = [];

export class FloodWatch {
  readonly #bound: number;
  #second = Number.NEGATIVE_INFINITY;
  #total = 0;
  #bySender = new Map<string, number>();

  constructor(bound = MAX_TURNED_AWAY) {
    this.#bound = bound;
  }

  /**
   * Counts a message that found no room.
   * @returns who floods, none as long as what was turned away in this second is borne
   */
  turnedAway(sender: string, bytes: number, nowMs: number): readonly string[] {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#begin(second);
    const weight = 1 + bytes / BYTES_OF_ONE;
    this.#total += weight;
    this.#bySender.set(sender, (this.#bySender.get(sender) ?? 0) + weight);
    if (this.#total < this.#bound) return NOBODY;
    const least = this.#total / SHARE;
    const flooders = [...this.#bySender].flatMap(([name, sum]) => (sum >= least ? [name] : []));
    this.#begin(second);
    return flooders.length > 0 ? flooders : [sender];
  }

  #begin(second: number): void {
    this.#second = second;
    this.#total = 0;
    this.#bySender = new Map();
  }
}
