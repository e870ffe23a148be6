// A line on standard error for what takes longer than a second; only on a
// terminal, and gone when it is done.
import type { Context } from "./context.ts";

const AFTER_MS = 1_000;
const EVERY_MS = 200;
const CLEAR_LINE = "\r\u001b[2K";

/** @param what present participle, e.g. "applying the graph" */
export async function withProgress<T>(context: Context, what: string, work: () => Promise<T>): Promise<T> {
  const { terminal } = context;
  if (!terminal.isTerminal.error || context.json) return await work();
  const startedAt = terminal.now();
  let shown = false;
  const timer = setInterval(() => {
    const elapsedMs = terminal.now() - startedAt;
    if (elapsedMs < AFTER_MS) return;
    shown = true;
    terminal.err(`${CLEAR_LINE}${context.errorColors.dim(`${what}, ${(elapsedMs / 1_000).toFixed(0)} s`)}`);
  }, EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (shown) terminal.err(CLEAR_LINE);
  }
}
