// The nearest valid word to a misspelt one, by Damerau-Levenshtein distance in
// its optimal string alignment form (Boytsov 2011, section 2.2.1).

/** Words longer than this are not compared. */
const MAX_LENGTH = 64;

/** The nearest word, when it is near enough to be what was meant: a third of its letters at most. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of words) {
    if (word.length > MAX_LENGTH || candidate.length > MAX_LENGTH) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Words of a list that others fill: no more than these are compared. */
const MAX_FOREIGN_WORDS = 1_000;

/** The same among words whose number somebody else decides, e.g. what a module exports. */
export const nearestForeign = (word: string, words: readonly string[]): string | undefined =>
  nearest(word, words.slice(0, MAX_FOREIGN_WORDS));

export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const choices = [(previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost];
      if (swapped) choices.push((before[j - 2] ?? 0) + 1);
      row.push(Math.min(...choices));
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}
