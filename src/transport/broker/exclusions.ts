// Who is kept away from the broker, and for how long: longer each time, as long as he does not
// stay calm in between.

/** The first time, in milliseconds; it doubles. */
export const FIRST_MS = 10_000;
export const LONGEST_MS = 300_000;
/** Of as many it is remembered; beyond that who was let in longest ago is forgotten. */
export const MAX_EXCLUDED = 4_096;

type Exclusion = { readonly untilMs: number; readonly ms: number };

export class Exclusions {
  readonly #bySender = new Map<string, Exclusion>();

  /** @returns for how many milliseconds from now on; who is kept out is so no longer for being told of again */
  exclude(sender: string, nowMs: number): number {
    const last = this.#bySender.get(sender);
    if (last !== undefined && nowMs < last.untilMs) return last.untilMs - nowMs;
    const isAgain = last !== undefined && nowMs < last.untilMs + last.ms;
    const ms = isAgain ? Math.min(2 * last.ms, LONGEST_MS) : FIRST_MS;
    this.#bySender.delete(sender);
    if (this.#bySender.size >= MAX_EXCLUDED) this.#forgetOne();
    this.#bySender.set(sender, { untilMs: nowMs + ms, ms });
    return ms;
  }

  isExcluded(sender: string, nowMs: number): boolean {
    const last = this.#bySender.get(sender);
    return last !== undefined && nowMs < last.untilMs;
  }

  #forgetOne(): void {
    const [first] = [...this.#bySender].sort(([, one], [, other]) => one.untilMs - other.untilMs);
    if (first !== undefined) this.#bySender.delete(first[0]);
  }
}
