// Brings what runs back to what is stated: an actor stopped by hand is started
// again within a second (or a few, of a very large graph), unless it is held; what gave up stays down with its
// reason, for starting it again and again would be a loop.
import type { TreeNode } from "../supervisor/inspect.ts";
import type { Tree } from "../supervisor/tree.ts";

const EVERY_MS = 500;
/** And as long again as looking takes, so many times: of a graph of 100,000 actors that is much. */
const REST = 20;

export type Convergence = {
  /** Keeps an actor down, or no longer. */
  hold(path: string, held: boolean): void;
  isHeld(path: string): boolean;
  held(): readonly string[];
  /** What does not run as stated, with its reason. */
  unsatisfied(): readonly { readonly path: string; readonly reason: string }[];
  stop(): void;
};

export function converge(tree: Tree, onProblem: (path: string, error: Error) => void): Convergence {
  const held = new Set<string>();
  let busy = false;
  const pass = async () => {
    if (busy) return;
    busy = true;
    try {
      for (const node of drifted(tree.inspect().roots)) {
        if (held.has(node.path) || node.stoppedBy === undefined) continue;
        const started = await tree.startChild(node.path);
        if (!started.ok) onProblem(node.path, started.error);
      }
    } finally {
      busy = false;
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const next = (afterMs: number) => {
    timer = setTimeout(() => {
      const fromMs = performance.now();
      pass().catch((error: unknown) =>
        onProblem("", error instanceof Error ? error : new Error(String(error))),
      );
      if (timer !== undefined) next(Math.max(EVERY_MS, REST * (performance.now() - fromMs)));
    }, afterMs);
  };
  next(EVERY_MS);
  return {
    hold: (path, down) => {
      if (down) held.add(path);
      else held.delete(path);
    },
    isHeld: (path) => held.has(path),
    held: () => [...held],
    unsatisfied: () =>
      drifted(tree.inspect().roots).map((node) => ({
        path: node.path,
        reason: reasonOf(node, held.has(node.path)),
      })),
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

/** Topmost nodes that should run and do not. */
function drifted(nodes: readonly TreeNode[]): readonly TreeNode[] {
  return nodes.flatMap((node) => {
    if (isDown(node)) return [node];
    return node.kind === "supervisor" ? drifted(node.children) : [];
  });
}

/** An end that the restart type allows is no drift. */
const isDown = ({ state }: TreeNode): boolean =>
  state === "stopped" || state === "failed" || state === "gaveUp" || state === "parked";

function reasonOf(node: TreeNode, isHeld: boolean): string {
  if (isHeld) return "held down by hand; `cell0 start` releases it";
  if (node.stoppedBy !== undefined) return "stopped by hand, about to be started again";
  const failure = node.lastExit?.failure;
  if (failure !== undefined && node.state === "parked")
    return `parked until it is started by hand: ${failure.name} in ${failure.rootActor}: ${failure.message}`;
  if (failure !== undefined) return `${failure.name} in ${failure.rootActor}: ${failure.message}`;
  return node.lastExit?.reason ?? node.state;
}
