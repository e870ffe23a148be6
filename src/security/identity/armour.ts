// Blocks of one line in a text file, each between two marked lines with its title, as NATS
// credentials files have them. What stands around a block is a reader's own.

/** The odd dash at the end is how NATS writes it. */
export const wrap = (title: string, line: string): string =>
  `-----BEGIN ${title}-----\n${line}\n------END ${title}------\n`;

/** The one line of a block; undefined unless the block stands there exactly once. */
export function unwrap(title: string, text: string): string | undefined {
  const lines = text.split(/\r?\n/);
  const begins = lines.flatMap((line, at) => (isMark(line, `BEGIN ${title}`) ? [at] : []));
  const [begin] = begins;
  if (begin === undefined || begins.length > 1 || !isMark(lines[begin + 2] ?? "", `END ${title}`))
    return undefined;
  return lines[begin + 1];
}

const isMark = (line: string, words: string): boolean =>
  line.length < 100 && line.replace(/^-{3,8}/, "").replace(/-{3,8}\s*$/, "") === words;
