// The lives of one actor, as its commits show them: each begins once, under an incarnation
// above that of the life before, and never comes back once another has begun. Pure.
// Only the incarnation in which a life runs can commit it first; later ones write it again
// until their own has said which it is. A life of which only such a repetition was seen began
// before that, nobody saw when.
import { type Incarnation, isAbove, shown } from "./incarnation.ts";

export type Lives = {
  readonly current: string;
  readonly began: Incarnation;
  readonly count: number;
  /** Those before the current one. */
  readonly ended: ReadonlySet<string>;
};

const NONE: Incarnation = { term: 0n, activation: 0n };

export type LifeSeen = { readonly lives: Lives | undefined; readonly fault?: string };

/** @param isRepeated the state of an earlier commit again */
export function seeLife(
  lives: Lives | undefined,
  life: string,
  incarnation: Incarnation,
  isRepeated: boolean,
): LifeSeen {
  if (life === "" || life === lives?.current) return { lives };
  if (lives === undefined) {
    const began = isRepeated ? NONE : incarnation;
    return { lives: { current: life, began, count: 1, ended: new Set() } };
  }
  if (lives.ended.has(life)) return { lives, fault: `life ${life} again, after ${lives.current} had begun` };
  const after: Lives = {
    current: life,
    began: isRepeated ? lives.began : incarnation,
    count: lives.count + 1,
    ended: new Set([...lives.ended, lives.current]),
  };
  if (isRepeated || isAbove(incarnation, lives.began)) return { lives: after };
  return {
    lives: after,
    fault: `life ${life} began as ${shown(incarnation)}, the one before as ${shown(lives.began)}`,
  };
}
