// Layers 3 and 4: a node of a thousand actors, of which a hundred are durable, loses its
// kernel or its processes. Its bounds on deaths are raised, so that one cell serves many trials.
import {
  byGrowth,
  byIntent,
  bySignal,
  kernelAllocates,
  kernelGivesUp,
  kernelHangs,
  kernelRestart,
} from "./faults.ts";
import { durablePath, nodeGraph, volatilePath } from "./graphs.ts";
import { NODE, NODE_PROCESS } from "./ports.ts";
import {
  budgetOf,
  DURABILITIES,
  MANY_TRIALS,
  ofDeaths,
  type Scenario,
  STEADY_MS,
  WAIT_NOTICED_MS,
} from "./scenario.ts";

type NodeDrill = Pick<Scenario, "layer" | "failure" | "kind" | "fault"> &
  Partial<Pick<Scenario, "words" | "awaitsSpare">> & {
    readonly durabilities?: readonly boolean[];
    /** The node's process goes on: volatile actors keep what they know. */
    readonly keepsProcess?: true;
    /** Deaths that the recovery takes. */
    readonly deaths?: number;
    readonly detectionMs?: number;
  };

const THOUSAND = 1_000;
const DURABLE_OF_THOUSAND = 100;

const kernel = { layer: "kernel", keepsProcess: true, awaitsSpare: false } as const;
const process = { layer: "process" } as const;

const DRILLS: readonly NodeDrill[] = [
  { ...kernel, failure: "crash", kind: "give-up", fault: kernelGivesUp },
  { ...kernel, failure: "crash", kind: "restart", fault: kernelRestart },
  {
    ...kernel,
    failure: "hang",
    kind: "wait",
    fault: kernelHangs,
    words: ["brittle-kernel"],
    detectionMs: WAIT_NOTICED_MS,
  },
  {
    ...kernel,
    failure: "exhaustion",
    kind: "allocate",
    fault: kernelAllocates(`kernel/${NODE}/drill`),
    // Each time the engine first collects all garbage that there is: twenty times would be seconds.
    words: ["brittle-kernel"],
  },
  { ...process, failure: "crash", kind: "exit", fault: byIntent("exit") },
  { ...process, failure: "hang", kind: "stop", fault: bySignal("SIGSTOP", ["node"]) },
  { ...process, failure: "hang", kind: "loop", fault: byIntent("loop") },
  {
    ...process,
    failure: "hang",
    kind: "stop-core",
    fault: bySignal("SIGSTOP", ["core"]),
    keepsProcess: true,
  },
  {
    ...process,
    failure: "hang",
    kind: "stop-broker",
    fault: bySignal("SIGSTOP", ["broker"]),
    keepsProcess: true,
  },
  {
    ...process,
    failure: "poison",
    kind: "exit-again",
    fault: byIntent("exit", { again: true }),
    deaths: 2,
  },
  { ...process, failure: "exhaustion", kind: "grow", fault: byGrowth(NODE_PROCESS), words: ["small-heap"] },
  { ...process, failure: "loss", kind: "kill", fault: bySignal("SIGKILL", ["node"]) },
  {
    ...process,
    failure: "loss",
    kind: "kill-cold",
    // Nothing stands by any more: it is started anew.
    fault: bySignal("SIGKILL", ["node", "node-spare"]),
  },
  {
    ...process,
    failure: "loss",
    kind: "kill-core",
    fault: bySignal("SIGKILL", ["core"]),
    keepsProcess: true,
  },
  {
    ...process,
    failure: "loss",
    kind: "kill-broker",
    fault: bySignal("SIGKILL", ["broker"]),
    keepsProcess: true,
  },
  {
    ...process,
    failure: "loss",
    kind: "kill-broker-and-node",
    fault: bySignal("SIGKILL", ["broker", "node"]),
  },
];

function scenariosOf(drill: NodeDrill): readonly Scenario[] {
  const { layer, failure, kind, fault, durabilities = DURABILITIES, keepsProcess, deaths = 1 } = drill;
  const { words = [], awaitsSpare = true } = drill;
  const budget = budgetOf(layer, failure, "shared", drill.detectionMs);
  return durabilities.map(
    (durable): Scenario => ({
      layer,
      failure,
      kind,
      isolation: "shared",
      durable,
      graph: nodeGraph(THOUSAND, durable ? DURABLE_OF_THOUSAND : 0),
      target: () => (durable ? durablePath(DURABLE_OF_THOUSAND - 1) : volatilePath(THOUSAND - 1)),
      siblings: [],
      keeps: durable ? "everything" : keepsProcess === true ? "snapshot" : "nothing",
      fault,
      ...ofDeaths(deaths, "process", budget),
      probeEveryMs: 5,
      steadyMs: STEADY_MS,
      awaitsSpare,
      words: ["raised", ...words],
      trialsPerCell: MANY_TRIALS,
    }),
  );
}

export const nodeScenarios: readonly Scenario[] = DRILLS.flatMap(scenariosOf);
