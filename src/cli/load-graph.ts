// Manifests from files, directories or standard input as one graph; what is
// wrong with them is printed with the offending text underlined.
import { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import type { Graph } from "../manifest/graph.ts";
import type { Problem } from "../manifest/problem.ts";
import type { Context } from "./context.ts";
import { openInput, readAll } from "./payload-input.ts";

/** Undefined when they have problems, all of which are printed then. */
export async function loadGraph(context: Context, files: readonly string[]): Promise<Graph | undefined> {
  const { renderProblems } = await import("../manifest/problem.ts");
  const loaded = await load(context, files);
  if (loaded.ok) return loaded.value;
  if (context.json) context.terminal.err(`${JSON.stringify({ problems: loaded.error })}\n`);
  else {
    const { red, dim, bold } = context.errorColors;
    const count = loaded.error.length;
    const text = renderProblems(loaded.error, { error: red, dim, bold });
    context.note(`${text}\n\n${count} ${count === 1 ? "problem" : "problems"}.`);
  }
  return undefined;
}

async function load(context: Context, files: readonly string[]): Promise<Result<Graph, readonly Problem[]>> {
  const { loadManifests, MAX_FILE_BYTES, parseManifestText } = await import("../manifest/load.ts");
  if (!files.includes("-")) return await loadManifests(files, { cwd: context.terminal.cwd });
  if (files.length > 1) throw new CellError("CLI_USAGE", "`-` stands alone: standard input is one manifest");
  const bytes = await readAll(openInput(context, "-"), MAX_FILE_BYTES);
  return parseManifestText(new TextDecoder().decode(bytes));
}
