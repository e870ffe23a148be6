// Manifests from files and directories as one graph; what is wrong with them is
// printed with the offending text underlined.
import type { Graph } from "../manifest/graph.ts";
import type { Context } from "./context.ts";

/** Undefined when they have problems, all of which are printed then. */
export async function loadGraph(context: Context, files: readonly string[]): Promise<Graph | undefined> {
  const { loadManifests } = await import("../manifest/load.ts");
  const { renderProblems } = await import("../manifest/problem.ts");
  const loaded = await loadManifests(files.map((file) => context.path(file)));
  if (loaded.ok) return loaded.value;
  if (context.json) context.terminal.err(`${JSON.stringify({ problems: loaded.error })}\n`);
  else {
    const { red, dim, bold } = context.errorColors;
    const colors = { error: red, dim, bold };
    const count = loaded.error.length;
    context.note(
      `${renderProblems(loaded.error, colors)}\n\n${count} ${count === 1 ? "problem" : "problems"}.`,
    );
  }
  return undefined;
}
