// The lives of one actor, as its commits show them: each begins once, under an incarnation
// above that of the life before, and never comes back once another has begun. Pure.
// Only the incarnation in which a life runs can commit it first; later ones write it again
// until their own has said which it is. A life of which only that was seen, a repetition or what
// followed on commits that were replaced before they could be read, began before, nobody saw when
// (chaos with seed 107 took one for a life that had the incarnation of the next). A life's word
// may wait inside the actor while that dies, and be decided by the next incarnation: it began
// where it was first seen to wait.
import { type Incarnation, isAbove, shown } from "./incarnation.ts";

export type Lives = {
  readonly current: string;
  readonly began: Incarnation;
  readonly count: number;
  /** Those before the current one. */
  readonly ended: ReadonlySet<string>;
};

/** Where a commit was written. */
export type Where = {
  readonly incarnation: Incarnation;
  /** Whether a life that is new there began with it, and with none before it. */
  readonly isFirst: boolean;
};

const NONE: Incarnation = { term: 0n, activation: 0n };

export type LifeSeen = { readonly lives: Lives | undefined; readonly fault?: string };

/** @param where the first commit that speaks of the life, as decided or as waiting */
export function seeLife(lives: Lives | undefined, life: string, { incarnation, isFirst }: Where): LifeSeen {
  if (life === "" || life === lives?.current) return { lives };
  if (lives === undefined) {
    const began = isFirst ? incarnation : NONE;
    return { lives: { current: life, began, count: 1, ended: new Set() } };
  }
  if (lives.ended.has(life)) return { lives, fault: `life ${life} again, after ${lives.current} had begun` };
  const after: Lives = {
    current: life,
    began: isFirst ? incarnation : lives.began,
    count: lives.count + 1,
    ended: new Set([...lives.ended, lives.current]),
  };
  if (!isFirst || isAbove(incarnation, lives.began)) return { lives: after };
  return {
    lives: after,
    fault: `life ${life} began as ${shown(incarnation)}, the one before as ${shown(lives.began)}`,
  };
}
