// What the kernel's registry works through: the tree, its reports, and starting
// and stopping by hand.
import type { RegistryPorts } from "../actors/kernel/registry.ts";
import type { NodeStatus } from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import { parentPath } from "../manifest/graph-walk.ts";
import type { OperationResult } from "../supervisor/supervisor.ts";
import type { Tree } from "../supervisor/tree.ts";
import type { Convergence } from "./convergence.ts";
import type { DurableRuntime } from "./durable/durable-runtime.ts";
import type { RestartHistory } from "./restart-history.ts";
import { actorReport, type TreeSources, treeReport } from "./tree-report.ts";

export type RegistryPortOptions = {
  readonly tree: () => Tree;
  /** Begins to build the whole tree anew. */
  readonly rebuild: () => void;
  readonly convergence: () => Convergence | undefined;
  readonly sources: TreeSources;
  readonly history: RestartHistory;
  readonly durable: Pick<DurableRuntime, "kept" | "beginAnew">;
  readonly status: () => NodeStatus;
};

export function registryPorts({
  tree,
  rebuild,
  convergence,
  sources,
  history,
  durable,
  status,
}: RegistryPortOptions): RegistryPorts {
  return {
    tree: () => treeReport(sources),
    actor: (path) => actorReport(path, history.of(path), sources),
    kept: (path) => durable.kept(path),
    status,
    rebuild,
    async stop(path, hold) {
      refuseKernel(path, "stopped");
      convergence()?.hold(path, hold);
      settled(await tree().stopChild(path));
    },
    async start(path) {
      convergence()?.hold(path, false);
      settled(await tree().startChild(path));
    },
    async startChild(supervisor, name, input) {
      settled(await tree().spawnChild(supervisor, name, input));
    },
    async stopChild(path) {
      const supervisor = tree().childrenOf(parentPath(path));
      if (!supervisor.ok) throw supervisor.error;
      if (!supervisor.value.dynamic)
        throw new CellError("SUPERVISOR_NOT_DYNAMIC", undefined, { where: parentPath(path) });
      settled(await tree().stopChild(path));
    },
    async restart(path, freshBy) {
      refuseKernel(path, "restarted");
      convergence()?.hold(path, false);
      const fresh = freshBy !== undefined;
      if (fresh) durable.beginAnew(path, freshBy);
      const result = await tree().restartChild(path, { fresh });
      if (!result.ok) durable.beginAnew(path, undefined);
      settled(result);
    },
  };
}

/** Whoever stops the actor that starts actors stops the node for good. */
function refuseKernel(path: string, what: string): void {
  if (path !== "kernel" && !path.startsWith("kernel/")) return;
  throw new CellError("CELL_KERNEL_PROTECTED", `the kernel's own actors are not ${what} by hand`, {
    where: path,
  });
}

function settled(result: OperationResult): void {
  if (!result.ok) throw result.error;
}
