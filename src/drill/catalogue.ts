// Everything that is drilled: which failure, on which graph, against which budget of the
// matrix. A cell of the matrix that nothing here names is reported as not drilled.
import type { FailureClass } from "../actors/child.ts";
import { matrix } from "../supervisor/matrix.ts";
import type { Layer } from "../supervisor/matrix-rules.ts";
import {
  bitFlip,
  byIntent,
  bySignal,
  bySignalToActor,
  type Fault,
  kernelGivesUp,
  kernelRestart,
} from "./faults.ts";
import {
  type ActorForm,
  durablePath,
  flatGraph,
  type GraphMaker,
  groupGraph,
  memberPath,
  nodeGraph,
  SIBLINGS,
  targetPath,
  volatilePath,
} from "./graphs.ts";
import type { Keeps } from "./judge.ts";

export type Isolation = ActorForm["isolation"];
export type DrilledLayer = Exclude<Layer, "swarm">;

export type Scenario = {
  readonly layer: DrilledLayer;
  readonly failure: FailureClass;
  /** What is done, one word: throw, kill... */
  readonly kind: string;
  readonly isolation: Isolation;
  readonly durable: boolean;
  readonly graph: GraphMaker;
  /** Whose recovery is measured, by number of the trial. */
  readonly target: (trial: number) => string;
  /** Who fails; default: the target. */
  readonly victim?: string;
  /** None where nothing of the cell stands outside of what fails. */
  readonly siblings: readonly string[];
  readonly keeps: Keeps;
  readonly fault: Fault;
  readonly budgetMs: number;
  /** How the budget comes about, where it is not the matrix's alone. */
  readonly budgetNote?: string;
  readonly probeEveryMs: number;
  /** Trials after which a new cell is started, because the cell's own bounds on failures would answer instead. */
  readonly trialsPerCell: number;
};

const THOUSAND = 1_000;
const DURABLE_OF_THOUSAND = 100;
const GROUP_SIZE = 100;
const MANY_TRIALS = 500;
/** Progress limit of actors that hang in a drill. */
const PROGRESS_MS = 200;
const MEMORY = "64MiB";
const ISOLATIONS: readonly Isolation[] = ["shared", "worker", "process"];

/** p99 that the matrix allows. */
function budgetOf(layer: DrilledLayer, failure: FailureClass, isolation: Isolation): number {
  const rule = matrix[layer][failure];
  if (rule.kind !== "rule") throw new RangeError(`${layer} ${failure} has no rule in the matrix`);
  return isolation === "shared" ? rule.budgetMs : (rule.isolatedBudgetMs ?? rule.budgetMs);
}

type ActorDrill = Pick<Scenario, "failure" | "kind" | "fault"> & {
  readonly isolations: readonly Isolation[];
  readonly durabilities?: readonly boolean[];
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly targets?: number;
  readonly trialsPerTarget?: number;
  /** Of volatile ones, where the failure itself takes state away. */
  readonly volatileKeeps?: Keeps;
  /** Detection that the matrix's budget leaves out. */
  readonly detectionMs?: number;
};

const ISOLATED: readonly Isolation[] = ["worker", "process"];

const ACTOR_DRILLS: readonly ActorDrill[] = [
  { failure: "crash", kind: "throw", fault: byIntent("throw"), isolations: ISOLATIONS },
  { failure: "crash", kind: "reject", fault: byIntent("reject"), isolations: ISOLATIONS },
  { failure: "crash", kind: "stray", fault: byIntent("stray"), isolations: ISOLATIONS },
  {
    failure: "hang",
    kind: "loop",
    fault: byIntent("loop"),
    isolations: ISOLATED,
    fields: { progress: `${PROGRESS_MS}ms` },
    detectionMs: PROGRESS_MS,
  },
  {
    failure: "hang",
    kind: "wait",
    fault: byIntent("wait"),
    isolations: ISOLATIONS,
    fields: { progress: `${PROGRESS_MS}ms` },
    detectionMs: PROGRESS_MS,
  },
  {
    failure: "hang",
    kind: "stop",
    fault: bySignalToActor("SIGSTOP"),
    isolations: ["process"],
    fields: { progress: `${PROGRESS_MS}ms` },
    detectionMs: PROGRESS_MS,
  },
  {
    failure: "exhaustion",
    kind: "grow",
    fault: byIntent("grow"),
    isolations: ISOLATED,
    fields: { limits: { memory: MEMORY } },
  },
  {
    failure: "poison",
    kind: "poison",
    fault: byIntent("throw", { again: true }),
    isolations: ISOLATIONS,
    durabilities: [true],
    targets: 40,
    trialsPerTarget: 2,
  },
  {
    failure: "corruption",
    kind: "bit-flip",
    fault: bitFlip,
    isolations: ["shared"],
    // A durable actor's node goes on from what it committed itself: a damaged commit is met by
    // the next process alone.
    durabilities: [false],
    // The snapshot before the damaged one.
    volatileKeeps: "rollback",
    targets: 40,
    trialsPerTarget: 2,
  },
  { failure: "loss", kind: "kill", fault: bySignalToActor("SIGKILL"), isolations: ["process"] },
];

function actorScenarios(drill: ActorDrill): readonly Scenario[] {
  const { failure, kind, fault, isolations, durabilities = [false, true], fields } = drill;
  const { targets = 1, trialsPerTarget = MANY_TRIALS, detectionMs = 0 } = drill;
  return isolations.flatMap((isolation) =>
    durabilities.map((durable): Scenario => {
      const form: ActorForm = { isolation, durable, ...(fields === undefined ? {} : { fields }) };
      return {
        layer: "actor",
        failure,
        kind,
        isolation,
        durable,
        graph: flatGraph(targets, form),
        target: (trial) => targetPath(trial % targets),
        siblings: SIBLINGS,
        keeps: durable ? "everything" : (drill.volatileKeeps ?? keptBy(isolation, durable)),
        fault,
        budgetMs: budgetOf("actor", failure, isolation) + detectionMs,
        ...(detectionMs === 0 ? {} : { budgetNote: `${detectionMs} ms of it the actor's progress limit` }),
        probeEveryMs: isolation === "shared" ? 2 : 5,
        trialsPerCell: targets * trialsPerTarget,
      };
    }),
  );
}

function keptBy(isolation: Isolation, durable: boolean): Keeps {
  if (durable) return "everything";
  return isolation === "shared" ? "snapshot" : "rollback";
}

const DURABILITIES = [false, true] as const;

/** The last one in start order: the whole group is back when it is. */
const LAST_MEMBER = memberPath(GROUP_SIZE - 1);

const subtreeScenarios: readonly Scenario[] = DURABILITIES.flatMap((durable) => {
  const form: ActorForm = { isolation: "shared", durable };
  const base = {
    layer: "subtree",
    failure: "crash",
    isolation: "shared",
    durable,
    target: () => LAST_MEMBER,
    victim: memberPath(0),
    siblings: SIBLINGS,
    keeps: keptBy("shared", durable),
    budgetMs: budgetOf("subtree", "crash", "shared"),
    probeEveryMs: 2,
    trialsPerCell: MANY_TRIALS,
  } as const;
  const unbounded = { intensity: 10_000, period: "5s" };
  return [
    {
      ...base,
      kind: "one-for-all",
      graph: groupGraph(GROUP_SIZE, form, { strategy: "one_for_all", ...unbounded }),
      fault: byIntent("throw"),
    },
    {
      ...base,
      kind: "intensity",
      graph: groupGraph(GROUP_SIZE, form, { intensity: 0, period: "1s" }),
      // What a sender causes is parked; a subtree is restarted for what comes from within.
      fault: byIntent("unprovoked"),
    },
  ];
});

type NodeDrill = Pick<Scenario, "layer" | "failure" | "kind" | "fault" | "trialsPerCell"> & {
  /** The node's process goes on: volatile actors keep what they know. */
  readonly keepsProcess?: true;
};

/** The kernel is rebuilt so often within a minute; then its process ends. */
const KERNEL_TRIALS = 3;

const NODE_DRILLS: readonly NodeDrill[] = [
  {
    layer: "kernel",
    failure: "crash",
    kind: "give-up",
    fault: kernelGivesUp,
    trialsPerCell: KERNEL_TRIALS,
    keepsProcess: true,
  },
  {
    layer: "kernel",
    failure: "crash",
    kind: "restart",
    fault: kernelRestart,
    trialsPerCell: KERNEL_TRIALS,
    keepsProcess: true,
  },
  { layer: "process", failure: "loss", kind: "kill", fault: bySignal("SIGKILL", ["node"]), trialsPerCell: 1 },
  { layer: "process", failure: "hang", kind: "stop", fault: bySignal("SIGSTOP", ["node"]), trialsPerCell: 1 },
  { layer: "process", failure: "hang", kind: "loop", fault: byIntent("loop"), trialsPerCell: 1 },
  {
    layer: "process",
    failure: "exhaustion",
    kind: "grow",
    fault: byIntent("grow"),
    trialsPerCell: 1,
  },
  {
    layer: "process",
    failure: "loss",
    kind: "kill-core",
    fault: bySignal("SIGKILL", ["core"]),
    trialsPerCell: 1,
    keepsProcess: true,
  },
  {
    layer: "process",
    failure: "loss",
    kind: "kill-broker",
    fault: bySignal("SIGKILL", ["broker"]),
    trialsPerCell: 1,
    keepsProcess: true,
  },
  {
    layer: "process",
    failure: "loss",
    kind: "kill-broker-and-node",
    fault: bySignal("SIGKILL", ["broker", "node"]),
    trialsPerCell: 1,
  },
];

function nodeScenarios({ keepsProcess, ...drill }: NodeDrill): readonly Scenario[] {
  return DURABILITIES.map(
    (durable): Scenario => ({
      ...drill,
      isolation: "shared",
      durable,
      graph: nodeGraph(THOUSAND, durable ? DURABLE_OF_THOUSAND : 0),
      target: () => (durable ? durablePath(DURABLE_OF_THOUSAND - 1) : volatilePath(THOUSAND - 1)),
      siblings: [],
      keeps: durable ? "everything" : keepsProcess === true ? "snapshot" : "nothing",
      budgetMs: budgetOf(drill.layer, drill.failure, "shared"),
      probeEveryMs: 5,
    }),
  );
}

/** In the order of the matrix: layers, then classes. */
export const catalogue: readonly Scenario[] = [
  ...ACTOR_DRILLS.flatMap(actorScenarios),
  ...subtreeScenarios,
  ...NODE_DRILLS.flatMap(nodeScenarios),
];
