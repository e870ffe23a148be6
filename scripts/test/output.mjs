// Suites run side by side, yet are read one after the other: the suite whose turn it is
// prints as it goes, the later ones' lines wait for theirs.
import { formatDuration, painter } from "../setup/report.mjs";

/**
 * @typedef {object} Section
 * @property {(line: string) => void} print
 * @property {(counts: import("./counts.mjs").Counts, note: string | undefined, ms: number) => void} end
 *
 * @param {readonly string[]} titles in the order in which they are shown
 * @param {Pick<NodeJS.WriteStream, "write"> & { isTTY?: boolean }} screen
 * @param {NodeJS.ProcessEnv} env
 * @returns {Section[]}
 */
export function createSections(titles, screen, env) {
  const paint = painter(screen, env);
  const sections = titles.map((title) => ({ title, lines: /** @type {string[]} */ ([]), ended: false }));
  let turn = 0;
  let opened = false;
  const flush = () => {
    for (let section = sections[turn]; section; section = sections[turn]) {
      if (!opened) screen.write(`\n${paint("bold", `== ${section.title}`)}\n`);
      opened = true;
      for (const line of section.lines.splice(0)) screen.write(`${line}\n`);
      if (!section.ended) return;
      turn += 1;
      opened = false;
    }
  };
  flush();
  return sections.map((section) => ({
    print: (line) => {
      section.lines.push(line);
      flush();
    },
    end: (counts, note, ms) => {
      if (note !== undefined) section.lines.push(note);
      section.lines.push(`${verdict(counts, paint)}  ${paint("dim", formatDuration(ms))}`);
      section.ended = true;
      flush();
    },
  }));
}

/**
 * @param {import("./counts.mjs").Counts} counts
 * @param {ReturnType<typeof painter>} paint
 */
export function verdict({ passed, failed, skipped }, paint) {
  const text = `${passed} passed, ${failed} failed, ${skipped} skipped`;
  if (failed > 0) return paint("red", `✘ ${text}`);
  return passed > 0 ? paint("green", `✔ ${text}`) : paint("yellow", `- ${text}`);
}
