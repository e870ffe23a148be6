// How much each connection sends to the broker, whatever it is and whoever listens: more than any honest
// one does is a flood, though no node might notice it.
import type { Sent } from "./broker-connections.ts";

/** In a second: several times what a node can take of all. */
export const MAX_MESSAGES = 65_536;
export const MAX_BYTES = 64 * 1024 * 1024;
/** Looks in a row at which it was more. */
const IN_A_ROW = 2;

type Rate = Sent & { readonly row: number };

export class SenderRates {
  #last = new Map<number, Rate>();
  #atMs = Number.NEGATIVE_INFINITY;

  /** @returns ids of connections that sent more, now and the last time */
  look(all: readonly Sent[], nowMs: number): readonly number[] {
    const seconds = (nowMs - this.#atMs) / 1000;
    this.#atMs = nowMs;
    const before = this.#last;
    this.#last = new Map(
      all.map((sent) => [sent.id, { ...sent, row: rowOf(sent, before.get(sent.id), seconds) }]),
    );
    return [...this.#last.values()].flatMap(({ id, row }) => (row >= IN_A_ROW ? [id] : []));
  }
}

function rowOf({ messages, bytes }: Sent, before: Rate | undefined, seconds: number): number {
  // Of what it sent before it was looked at nobody knows in how long.
  if (before === undefined || seconds <= 0) return 0;
  const isMore =
    messages - before.messages > MAX_MESSAGES * seconds || bytes - before.bytes > MAX_BYTES * seconds;
  return isMore ? before.row + 1 : 0;
}
