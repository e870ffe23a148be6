// A line of a file as a terminal may show it: cut around the place that matters,
// without control characters, and measured in columns.

/** Lines up to this length are shown whole. */
const WHOLE = 120;
const BEFORE = 60;
const MARKED = 60;
const AFTER = 40;

/** The text before, at and after a range of a line, each cut to some length and made visible. */
export function excerptAround(
  line: string,
  start: number,
  end: number,
): { readonly before: string; readonly marked: string; readonly after: string } {
  const isWhole = line.length <= WHOLE;
  const from = isWhole ? 0 : Math.max(0, start - BEFORE);
  const cut = isWhole ? Math.max(end, start) : Math.min(Math.max(end, start), start + MARKED);
  const to = isWhole ? line.length : cut + AFTER;
  return {
    before: `${from > 0 ? "…" : ""}${visible(line.slice(from, start))}`,
    marked: visible(line.slice(start, cut)),
    after: `${visible(line.slice(cut, to))}${to < line.length ? "…" : ""}`,
  };
}

/** Tabs as one space; control characters and directional marks, which could rewrite a terminal's line, as a dot. */
export function visible(text: string): string {
  return text.replaceAll("\t", " ").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "·");
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns that a terminal gives to a text (Unicode Standard Annex 11, in the large). */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}
