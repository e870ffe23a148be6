// What the graph in force says of what intents take: prices, whether what is accepted is kept, and what
// children that are started at run time may have.
import { DEFAULT_PROCESS_MEMORY_BYTES, OVERHEAD_BYTES } from "../actors/isolation/process/command.ts";
import { DEFAULT_WORKER_MEMORY_BYTES } from "../actors/isolation/worker/worker-link.ts";
import type { ActorSpec, PlacedGraph } from "../manifest/graph.ts";
import { parentPath, specsOf } from "../manifest/graph-walk.ts";
import type { ChildLimits, ResourceView } from "../security/intake/amounts.ts";

/** Of a processor: a cgroup grants no process less. */
const LEAST_CPU_MILLI = 10;

/**
 * Answers from maps made once a revision.
 * @param running what a supervisor here makes its next child from: while a revision is applied, or where it
 *   failed to be, not what the one in force says
 */
export function graphResources(
  placed: () => PlacedGraph,
  running: (supervisor: string) => ActorSpec | undefined,
): ResourceView {
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
      return highest([templates.get(supervisor), running(supervisor)].flatMap((each) => each ?? []));
    },
  };
}

const isKernels = (path: string): boolean => path.startsWith("kernel/");

function priceIn(spec: ActorSpec | undefined, intent: string): number | undefined {
  return spec !== undefined && Object.hasOwn(spec.intents, intent)
    ? spec.intents[intent]?.costMicro
    : undefined;
}

/** Of each what the one with more may have; none where one of them has none. */
function highest(templates: readonly ActorSpec[]): ChildLimits | undefined {
  if (templates.length === 0) return undefined;
  const all = templates.map(limitsOf);
  const most = (name: keyof ChildLimits) => Math.max(...all.map((each) => each[name] ?? Number.NaN));
  const [memoryBytes, cpuMilli] = [most("memoryBytes"), most("cpuMilli")];
  return {
    ...(Number.isNaN(memoryBytes) ? {} : { memoryBytes }),
    ...(Number.isNaN(cpuMilli) ? {} : { cpuMilli }),
  };
}

/** A shared actor has none; a worker none of processors. What a process takes beside its heap counts too. */
function limitsOf({ isolation, limits = {} }: ActorSpec): ChildLimits {
  switch (isolation) {
    case "shared":
      return {};
    case "worker":
      return { memoryBytes: limits.memoryBytes ?? DEFAULT_WORKER_MEMORY_BYTES };
    case "process": {
      const { memoryBytes = DEFAULT_PROCESS_MEMORY_BYTES, cpu } = limits;
      const all = { memoryBytes: memoryBytes + OVERHEAD_BYTES };
      return cpu === undefined ? all : { ...all, cpuMilli: milliOf(cpu) };
    }
  }
}

/** Up to the next thousandth, but for what the number's own form adds. */
const milliOf = (cpu: number): number =>
  Math.max(LEAST_CPU_MILLI, Math.ceil(Math.round(cpu * 1_000_000) / 1_000));
