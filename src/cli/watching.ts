// `--watch`: shows something again and again until it is interrupted.
import { setTimeout as sleep } from "node:timers/promises";
import { Option } from "commander";
import type { Context } from "./context.ts";
import { parseDuration } from "./duration.ts";
import { formatError, toCellError } from "./error-output.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";

const DEFAULT_INTERVAL_MS = 2_000;
const HOME_AND_CLEAR = "\u001b[H\u001b[J";

export const watchOption = (): Option =>
  new Option("-w, --watch [interval]", "show it again and again (default: every 2s)").argParser(
    parseDuration,
  );

/** An error while watching is shown and tried again; Ctrl-C ends it with success. */
export async function watching(
  context: Context,
  interval: number | true | undefined,
  show: () => Promise<ExitCode>,
): Promise<ExitCode> {
  if (interval === undefined) return await show();
  const everyMs = interval === true ? DEFAULT_INTERVAL_MS : interval;
  const { signal, terminal } = context;
  const clears = terminal.isTerminal.output && !context.json;
  if (clears) terminal.out("\u001b[2J");
  while (!signal.aborted) {
    if (clears) terminal.out(HOME_AND_CLEAR);
    try {
      await show();
    } catch (thrown) {
      if (!signal.aborted) terminal.err(`${formatError(toCellError(thrown))}\n`);
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
  return exitCodes.ok;
}
