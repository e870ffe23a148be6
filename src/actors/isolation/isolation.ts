// Where actors live that do not share the node's event loop: makes a worker or a
// process ready for one, with the code of the revision in place.
import { CellError } from "../../errors/cell-error.ts";
import type { ActorSpec, Limits } from "../../manifest/graph.ts";
import { hashBehaviour } from "../loader/code-files.ts";
import type { Housing } from "./link.ts";
import { openProcesses } from "./process/processes.ts";
import { Spares } from "./spares.ts";
import { DEFAULT_WORKER_MEMORY_BYTES, WorkerLink } from "./worker/worker-link.ts";

export type Isolation = {
  /**
   * A worker or process for this actor; its `isolation` is not `shared`.
   * @throws CellError ACTOR_BEHAVIOUR_CHANGED, ACTOR_BEHAVIOUR_NOT_FOUND, ACTOR_SANDBOX_UNAVAILABLE
   */
  house(spec: ActorSpec, codeHash: string): Promise<Housing>;
  close(): Promise<void>;
};

/** @param codeRoot folder for the code of processes: absolute, this user's alone, where any user may enter */
export function createIsolation(codeRoot: string): Isolation {
  const processes = openProcesses(codeRoot);
  const spares = new Spares<WorkerLink>({
    make: async (memoryBytes) => new WorkerLink({ memoryBytes: Number(memoryBytes) }),
    isAlive: (link) => link.isAlive,
    discard: (link) => link.kill(),
  });
  const openWorker = ({ memoryBytes = DEFAULT_WORKER_MEMORY_BYTES, cpu }: Limits) =>
    (cpu === undefined ? spares.take(String(memoryBytes)) : undefined) ??
    new WorkerLink({ memoryBytes, ...(cpu === undefined ? {} : { cpu }) });
  return {
    house: (spec, codeHash) =>
      spec.isolation === "process"
        ? processes.house(spec, codeHash)
        : houseWorker(spec, codeHash, openWorker),
    async close() {
      spares.close();
      await processes.close();
    },
  };
}

async function houseWorker(
  { behaviour: { module }, limits }: ActorSpec,
  codeHash: string,
  openWorker: (limits: Limits) => WorkerLink,
): Promise<Housing> {
  if ((await hashBehaviour(module)) !== codeHash) {
    throw new CellError("ACTOR_BEHAVIOUR_CHANGED", `${module} is not the code of the revision`, {
      where: module,
    });
  }
  return { link: openWorker(limits ?? {}), module, packagesFrom: "", original: (text) => text };
}
