// What the graph in force says of what intents take: prices, whether what is accepted is kept, and what
// children that are started at run time may have.
import { DEFAULT_PROCESS_MEMORY_BYTES } from "../actors/isolation/process/command.ts";
import { DEFAULT_WORKER_MEMORY_BYTES } from "../actors/isolation/worker/worker-link.ts";
import type { ActorSpec, PlacedGraph } from "../manifest/graph.ts";
import { parentPath, specsOf } from "../manifest/graph-walk.ts";
import type { ChildLimits, ResourceView } from "../security/intake/amounts.ts";

/** Answers from maps made once a revision. */
export function graphResources(placed: () => PlacedGraph): ResourceView {
  let graph: PlacedGraph | undefined;
  let actors = new Map<string, ActorSpec>();
  let templates = new Map<string, ActorSpec>();
  const refresh = () => {
    const current = placed();
    if (graph === current) return;
    graph = current;
    actors = new Map();
    templates = new Map();
    for (const spec of specsOf(current)) {
      if (spec.kind === "actor") actors.set(spec.path, spec);
      else if (spec.template !== undefined) templates.set(spec.path, spec.template);
    }
  };
  const specOf = (path: string): ActorSpec | undefined => {
    refresh();
    // Children that were started at run time are what their template says.
    return actors.get(path) ?? templates.get(parentPath(path));
  };
  return {
    priceOf: (target, intent) => (isKernels(target) ? 0 : priceIn(specOf(target), intent)),
    // Of a kernel actor it is not told apart what it keeps.
    isKept: (target) => isKernels(target) || specOf(target)?.durable !== false,
    childLimits: (supervisor) => {
      refresh();
      const template = templates.get(supervisor);
      return template && limitsOf(template);
    },
  };
}

const isKernels = (path: string): boolean => path.startsWith("kernel/");

function priceIn(spec: ActorSpec | undefined, intent: string): number | undefined {
  return spec !== undefined && Object.hasOwn(spec.intents, intent)
    ? spec.intents[intent]?.costMicro
    : undefined;
}

/** A shared actor has none; a worker none of processors. */
function limitsOf({ isolation, limits = {} }: ActorSpec): ChildLimits {
  switch (isolation) {
    case "shared":
      return {};
    case "worker":
      return { memoryBytes: limits.memoryBytes ?? DEFAULT_WORKER_MEMORY_BYTES };
    case "process": {
      const { memoryBytes = DEFAULT_PROCESS_MEMORY_BYTES, cpu } = limits;
      return { memoryBytes, ...(cpu === undefined ? {} : { cpuMilli: Math.ceil(cpu * 1_000) }) };
    }
  }
}
