// How much each client sends to the broker, whatever it is and whoever listens: more than any honest
// one does is a flood, though no node might notice it.

/** In a second: several times what a node can take of all. */
export const MAX_MESSAGES = 65_536;
export const MAX_BYTES = 64 * 1024 * 1024;
/** Looks in a row at which it was more. */
const IN_A_ROW = 2;
/** Looks that come sooner say little: answers may have waited. */
const LEAST_SECONDS = 0.5;

export type Volume = { readonly messages: number; readonly bytes: number };
type Rate = Volume & { readonly row: number };

export class SenderRates {
  #last = new Map<string, Rate>();
  #atMs = Number.NEGATIVE_INFINITY;

  /**
   * @param all what each has sent so far
   * @returns who sent more, now and the last time
   */
  look(all: ReadonlyMap<string, Volume>, nowMs: number): readonly string[] {
    const seconds = (nowMs - this.#atMs) / 1000;
    if (seconds < LEAST_SECONDS) return [];
    this.#atMs = nowMs;
    const before = this.#last;
    this.#last = new Map(
      [...all].map(([name, sent]) => [name, { ...sent, row: rowOf(sent, before.get(name), seconds) }]),
    );
    return [...this.#last].flatMap(([name, { row }]) => (row >= IN_A_ROW ? [name] : []));
  }
}

function rowOf({ messages, bytes }: Volume, before: Rate | undefined, seconds: number): number {
  // Of what it sent before it was looked at nobody knows in how long.
  if (before === undefined) return 0;
  const isMore =
    messages - before.messages > MAX_MESSAGES * seconds || bytes - before.bytes > MAX_BYTES * seconds;
  return isMore ? before.row + 1 : 0;
}
