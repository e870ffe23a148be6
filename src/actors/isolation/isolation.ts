// Where actors live that do not share the node's event loop: makes a worker or a
// process ready for one, with the code of the revision in place.
import { CellError } from "../../errors/cell-error.ts";
import type { ActorSpec } from "../../manifest/graph.ts";
import { hashBehaviour } from "../loader/code-files.ts";
import type { Housing } from "./link.ts";
import { openProcesses } from "./process/processes.ts";
import { openWorker } from "./worker/worker-link.ts";

export type Isolation = {
  /**
   * A worker or process for this actor; its `isolation` is not `shared`.
   * @throws CellError ACTOR_BEHAVIOUR_CHANGED, ACTOR_BEHAVIOUR_NOT_FOUND, ACTOR_SANDBOX_UNAVAILABLE
   */
  house(spec: ActorSpec, codeHash: string): Promise<Housing>;
  close(): void;
};

/** @param codeRoot folder for the code of processes: absolute, this user's alone, where any user may enter */
export function createIsolation(codeRoot: string): Isolation {
  const processes = openProcesses(codeRoot);
  return {
    house: (spec, codeHash) =>
      spec.isolation === "process" ? processes.house(spec, codeHash) : houseWorker(spec, codeHash),
    close: () => processes.close(),
  };
}

async function houseWorker({ behaviour: { module }, limits }: ActorSpec, codeHash: string): Promise<Housing> {
  if ((await hashBehaviour(module)) !== codeHash) {
    throw new CellError("ACTOR_BEHAVIOUR_CHANGED", `${module} is not the code of the revision`, {
      where: module,
    });
  }
  return { link: openWorker(limits ?? {}), module, packagesFrom: "", original: (text) => text };
}
