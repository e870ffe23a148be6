// Which node to ask: kernel actors are per node, and an actor is known to the
// registry of the node that hosts it.
import type { NodeRow, TreeNode } from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import { nearest } from "../manifest/suggest.ts";
import type { KernelClient } from "./kernel-client.ts";
import { flatten } from "./render/tree.ts";

/** Names of the nodes that answer, the owner of shard 0 first. Throws CELL_NOT_ACCEPTING when none does. */
export async function answeringNodes(kernel: KernelClient): Promise<readonly string[]> {
  const rows = await kernel.nodes();
  const nodes = rows.filter(({ answers }) => answers).sort((left, right) => rank(left) - rank(right));
  if (nodes.length === 0) throw new CellError("CELL_NOT_ACCEPTING", "no node of the cell answers");
  return nodes.map(({ node }) => node);
}

const rank = (row: NodeRow): number => Math.min(256, ...row.shards.map(({ first }) => first));

export type Forest = {
  readonly trees: readonly TreeNode[];
  /** Nodes that did not answer in time, with the reason. */
  readonly missing: readonly { readonly node: string; readonly reason: string }[];
};

/** The supervisor trees of all nodes; one that does not answer does not hide the others. */
export async function readForest(kernel: KernelClient): Promise<Forest> {
  const rows = await kernel.nodes();
  const trees: TreeNode[] = [];
  const missing = rows
    .filter(({ answers }) => !answers)
    .map(({ node }) => ({ node, reason: "does not answer" }));
  const answers = await Promise.allSettled(
    rows.filter(({ answers }) => answers).map(async ({ node }) => await kernel.tree(node)),
  );
  const asked = rows.filter(({ answers }) => answers);
  for (const [at, answer] of answers.entries()) {
    if (answer.status === "fulfilled") trees.push(answer.value);
    else
      missing.push({ node: asked[at]?.node ?? "", reason: String(answer.reason?.message ?? answer.reason) });
  }
  return { trees, missing };
}

/** The node that hosts what lives at a path. Throws CLI_TARGET_UNKNOWN with the nearest path. */
export async function nodeOf(kernel: KernelClient, path: string): Promise<string> {
  const { trees, missing } = await readForest(kernel);
  for (const tree of trees) {
    if (flatten([tree]).some((node) => node.path === path)) return tree.node;
  }
  const known = flatten(trees).map((node) => node.path);
  const near = nearest(path, known);
  const where =
    missing.length === 0
      ? ""
      : ` on the nodes that answer (${missing.map(({ node }) => node).join(", ")} did not)`;
  throw new CellError("CLI_TARGET_UNKNOWN", `nothing runs at "${path}"${where}`, {
    ...(near === undefined ? {} : { remedy: `did you mean "${near}"?` }),
  });
}
