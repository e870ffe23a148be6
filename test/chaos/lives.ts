// The lives of one actor, as its commits show them: each begins once, under an incarnation
// above that of the life before, and never comes back once another has begun. Pure.
// Only the incarnation in which a life runs can commit it first; later ones write it again
// until their own has said which it is.
import { type Incarnation, isAbove, shown } from "./incarnation.ts";

export type Lives = {
  readonly current: string;
  readonly began: Incarnation;
  readonly count: number;
  /** Those before the current one. */
  readonly ended: ReadonlySet<string>;
};

export type LifeSeen = { readonly lives: Lives | undefined; readonly fault?: string };

export function seeLife(lives: Lives | undefined, life: string, incarnation: Incarnation): LifeSeen {
  if (life === "" || life === lives?.current) return { lives };
  if (lives === undefined)
    return { lives: { current: life, began: incarnation, count: 1, ended: new Set() } };
  if (lives.ended.has(life)) return { lives, fault: `life ${life} again, after ${lives.current} had begun` };
  const after: Lives = {
    current: life,
    began: incarnation,
    count: lives.count + 1,
    ended: new Set([...lives.ended, lives.current]),
  };
  if (isAbove(incarnation, lives.began)) return { lives: after };
  return {
    lives: after,
    fault: `life ${life} began as ${shown(incarnation)}, the one before as ${shown(lives.began)}`,
  };
}
