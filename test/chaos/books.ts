// Compares what one actor says that it sent with what another says that it took: the same
// numbers, each once, in the same order. Pure.
import { z } from "zod";

/** Runs of numbers in the order in which they came about, both ends included. */
const runs = z.array(z.tuple([z.int(), z.int()]));
export type Runs = z.infer<typeof runs>;

/** What an actor that counts says of itself. */
export const ledgerSchema = z.object({ life: z.string(), applied: runs });

export const booksSchema = z.object({
  life: z.string(),
  sent: z.record(z.string(), runs),
  taken: z.record(z.string(), runs),
});
export type Books = z.infer<typeof booksSchema>;

export const numbersOf = (of: Runs | undefined): readonly number[] =>
  (of ?? []).flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at));

export type Comparison = {
  readonly lost: readonly number[];
  /** Taken twice, or never sent. */
  readonly doubled: readonly number[];
  /** Taken before one that was sent earlier. */
  readonly disordered: readonly number[];
};

export function compare(sent: readonly number[], taken: readonly number[]): Comparison {
  const places = new Map(sent.map((n, at) => [n, at]));
  const seen = new Set<number>();
  const doubled: number[] = [];
  const disordered: number[] = [];
  let furthest = -1;
  for (const n of taken) {
    const place = places.get(n);
    if (place === undefined || seen.has(n)) doubled.push(n);
    else if (place < furthest) disordered.push(n);
    seen.add(n);
    furthest = Math.max(furthest, place ?? -1);
  }
  return { lost: sent.filter((n) => !seen.has(n)), doubled, disordered };
}
