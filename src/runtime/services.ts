// What discovery shows of a node: one service a graph, one endpoint an actor.
import { endpointName, type ServiceDescription, type ServiceEndpoint } from "../transport/discovery.ts";
import { actorIntents } from "../transport/subjects.ts";
import type { CellConfig } from "./cell-config.ts";
import { packageVersion } from "./package-info.ts";
import type { RunningActors } from "./running-actors.ts";

export function discoveredServices(
  { cell, node }: CellConfig,
  startedUnixMs: number,
  actors: RunningActors,
): readonly ServiceDescription[] {
  const graphs = Map.groupBy(actors.paths(), (path) => path.split("/", 1)[0] ?? "");
  return [...graphs].map(([graph, paths]) => ({
    name: `${cell}-${graph}`,
    id: node,
    version: packageVersion,
    description: graph === "kernel" ? `the kernel of cell ${cell}` : `the graph ${graph} of cell ${cell}`,
    metadata: { cell, node, graph },
    startedUnixMs,
    endpoints: paths.map((path) => endpoint(cell, path, actors)),
  }));
}

function endpoint(cell: string, path: string, actors: RunningActors): ServiceEndpoint {
  const stats = actors.stats(path);
  return {
    name: endpointName(path),
    subject: actorIntents(cell, path),
    metadata: { actor: path },
    stats: { requests: stats?.handled ?? 0, errors: stats?.refused ?? 0, processingTimeNs: 0 },
  };
}
