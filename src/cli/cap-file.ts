// A capability from its file, as commands are given one.
import { CellError } from "../errors/cell-error.ts";
import { type Chain, chainBytes } from "../security/capability/chain.ts";
import { MAX_TOKEN_FILE_BYTES, parseTokenFile } from "../security/capability/token-file.ts";
import type { Context } from "./context.ts";
import { openInput, readAll } from "./payload-input.ts";

/** Throws CAPABILITY_MALFORMED, CLI_INPUT_TOO_LARGE. @param file `-`: standard input */
export async function readTokenFile(context: Context, file: string): Promise<Chain> {
  const bytes = await readAll(openInput(context, file), MAX_TOKEN_FILE_BYTES);
  const chain = parseTokenFile(new TextDecoder().decode(bytes));
  if (!chain.ok) throw new CellError(chain.error.code, chain.error.message, { where: file });
  return chain.value;
}

/**
 * The bytes that an intent carries, of `--cap FILE`. Throws CLI_USAGE when standard input is to be
 * something else, too.
 * @param others what else may name it
 */
export async function readCapability(
  context: Context,
  file: string,
  others: readonly (string | undefined)[],
): Promise<Uint8Array> {
  if (file === "-" && others.includes("-")) {
    throw new CellError("CLI_USAGE", "standard input is either the capability or the payload");
  }
  return chainBytes(await readTokenFile(context, file));
}
