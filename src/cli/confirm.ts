// Questions before something is lost: asked on a terminal only, since a script
// has decided already.
import { CellError } from "../errors/cell-error.ts";
import type { Context } from "./context.ts";

/** Throws CLI_NOT_CONFIRMED unless the answer is yes. Without a terminal, or with `--yes`, it is. */
export async function confirm(context: Context, question: string, yes: boolean): Promise<void> {
  const { isTerminal } = context.terminal;
  if (yes || context.json || !isTerminal.input || !isTerminal.error) return;
  const answer = await context.terminal.ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CellError("CLI_NOT_CONFIRMED");
}
