// Finds one node in what the tree's inspection returns.
import type { TreeNode } from "../../src/supervisor/inspect.ts";
import type { Tree } from "../../src/supervisor/tree.ts";

export function nodeAt(tree: Tree, path: string): TreeNode {
  const found = find(tree.inspect().roots, path);
  if (found === undefined) throw new Error(`nothing at ${path}`);
  return found;
}

function find(nodes: readonly TreeNode[], path: string): TreeNode | undefined {
  for (const node of nodes) {
    if (node.path === path) return node;
    const below = node.kind === "supervisor" ? find(node.children, path) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}
