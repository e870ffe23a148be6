// Where actors live that do not share the node's event loop: makes a worker or a
// process ready for one, with the code of the revision in place.
import { z } from "zod";
import { CellError } from "../../errors/cell-error.ts";
import type { ActorSpec, Limits } from "../../manifest/graph.ts";
import { knownCode } from "../loader/known-code.ts";
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

/** A worker's limits are settled with its start: a spare serves who has exactly these. */
const limitsSchema = z.object({ memoryBytes: z.number(), cpu: z.number().exactOptional() });

/** @param codeRoot folder for the code of processes: absolute, this user's alone, where any user may enter */
export function createIsolation(codeRoot: string): Isolation {
  const processes = openProcesses(codeRoot);
  const spares = new Spares<WorkerLink>({
    make: async (kind) => new WorkerLink(limitsSchema.parse(JSON.parse(kind))),
    settled: ({ ready }) => ready,
    isAlive: (link) => link.isAlive,
    discard: (link) => link.kill(),
  });
  const openWorker = ({ memoryBytes = DEFAULT_WORKER_MEMORY_BYTES, cpu }: Limits) => {
    const limits = { memoryBytes, ...(cpu === undefined ? {} : { cpu }) };
    return spares.take(JSON.stringify(limits)) ?? new WorkerLink(limits);
  };
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
  if ((await knownCode(module)).hash !== codeHash) {
    throw new CellError("ACTOR_BEHAVIOUR_CHANGED", `${module} is not the code of the revision`, {
      where: module,
    });
  }
  return { link: openWorker(limits ?? {}), module, packagesFrom: "", original: (text) => text };
}
