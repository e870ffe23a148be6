// What the person in front of set-up sees: one line a step with its tick or cross and its
// duration; while a step runs, a spinner on a terminal, or a line every few seconds elsewhere.
import { styleText } from "node:util";

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPIN_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;
/** Steps shorter than this show no progress. */
const QUIET_MS = 1_000;

/**
 * @typedef {object} Step
 * @property {(text: string) => void} detail what the step is at just now
 * @property {(note: string) => void} done
 * @property {(note: string) => void} skipped there was nothing to do
 * @property {(note: string) => void} failed
 *
 * @typedef {object} Report
 * @property {(title: string) => Step} step
 * @property {(text: string) => void} line
 * @property {() => void} close stops the progress display
 *
 * @typedef {Pick<NodeJS.WriteStream, "write"> & { isTTY?: boolean, columns?: number }} Screen
 */

/**
 * @param {Screen} screen
 * @param {NodeJS.ProcessEnv} env
 */
export function wantsColour(screen, env) {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== "0") return true;
  return screen.isTTY === true && env.TERM !== "dumb";
}

/**
 * @param {Screen} screen
 * @param {NodeJS.ProcessEnv} env
 * @returns {(format: Parameters<typeof styleText>[0], text: string) => string}
 */
export function painter(screen, env) {
  // Whether to colour is settled above; styleText would ask the stream again.
  return wantsColour(screen, env)
    ? (format, text) => styleText(format, text, { validateStream: false })
    : (_format, text) => text;
}

/** @param {number} ms */
export function formatDuration(ms) {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/**
 * @param {{ screen?: Screen, env?: NodeJS.ProcessEnv, now?: () => number }} [options]
 * @returns {Report}
 */
export function createReport({
  screen = process.stdout,
  env = process.env,
  now = () => performance.now(),
} = {}) {
  const paint = painter(screen, env);
  const live = screen.isTTY === true && env.TERM !== "dumb";
  /** @type {Map<string, { since: number, detail: string }>} */
  const open = new Map();
  let frame = 0;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;

  /** @param {string} text */
  const line = (text) => {
    screen.write(live ? `\r\x1b[K${text}\n` : `${text}\n`);
  };
  const tick = () => {
    const busy = [...open].filter(([, { since }]) => now() - since >= QUIET_MS);
    if (busy.length === 0) return;
    const texts = busy.map(([title, { since, detail }]) => {
      const where = detail === "" ? "" : `: ${detail}`;
      return `${title}${where} (${formatDuration(now() - since)})`;
    });
    if (!live) {
      for (const text of texts) line(`  … ${text}`);
      return;
    }
    frame = (frame + 1) % SPINNER.length;
    const text = texts.join(" · ").slice(0, Math.max(20, (screen.columns ?? 80) - 5));
    screen.write(`\r\x1b[K  ${paint("cyan", SPINNER[frame] ?? "")} ${text}`);
  };
  const close = () => {
    clearInterval(timer);
    timer = undefined;
    if (live) screen.write("\r\x1b[K");
  };

  return {
    line,
    close,
    step(title) {
      const since = now();
      const state = { since, detail: "" };
      open.set(title, state);
      timer ??= setInterval(tick, live ? SPIN_EVERY_MS : LINE_EVERY_MS);
      /** @param {string} mark @param {string} text */
      const end = (mark, text) => {
        open.delete(title);
        if (open.size === 0) close();
        line(`  ${mark} ${text}`);
      };
      const took = () => paint("dim", formatDuration(now() - since));
      return {
        detail: (text) => {
          state.detail = text;
        },
        done: (note) => end(paint("green", "✔"), `${title}: ${note}  ${took()}`),
        skipped: (note) => end(paint("green", "✔"), paint("dim", `${title}: ${note}`)),
        failed: (note) => end(paint("red", "✘"), `${title}: ${note}  ${took()}`),
      };
    },
  };
}
