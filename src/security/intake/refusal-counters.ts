// Counts refusals by principal, stage and code, so that a flood of them is one
// record with a number. Bounded: what finds no room is counted under `*`.
import type { Refused, Stage } from "./verdict.ts";

export type RefusalCount = {
  readonly principal: string;
  readonly stage: Stage;
  readonly code: string;
  /** Target of the latest one. */
  readonly target: string;
  readonly count: number;
};

/** Stands for principals that found no room. */
export const OTHERS = "*";

export class RefusalCounters {
  readonly #bound: number;
  readonly #totals = new Map<string, number>();
  #open = new Map<string, RefusalCount>();

  constructor(bound = 4096) {
    this.#bound = bound;
  }

  count({
    principal,
    stage,
    error,
    target,
  }: Pick<Refused, "principal" | "stage" | "error" | "target">): void {
    const { code } = error;
    this.#totals.set(code, (this.#totals.get(code) ?? 0) + 1);
    const exact = `${principal} ${stage} ${code}`;
    const room = this.#open.has(exact) || this.#open.size < this.#bound;
    const name = room ? exact : `${OTHERS} ${stage} ${code}`;
    const count = (this.#open.get(name)?.count ?? 0) + 1;
    this.#open.set(name, { principal: room ? principal : OTHERS, stage, code, target, count });
  }

  /** What was counted since the last call, for the event log. */
  drain(): readonly RefusalCount[] {
    const counts = [...this.#open.values()];
    this.#open = new Map();
    return counts;
  }

  /** By code, since the start; codes are a closed set, so this is bounded. */
  totals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#totals);
  }
}
