// Layer 2: the first of a hundred actors fails, and the whole group goes down with it; what
// is measured is the last one in start order, since the group is back when that one is.
import { byGrowth, byIntent, bySignalToActor, foreignCommit } from "./faults.ts";
import { groupGraph, memberPath, SIBLINGS } from "./graphs.ts";
import {
  budgetOf,
  DURABILITIES,
  type Isolation,
  keptBy,
  LOOP_NOTICED_MS,
  MANY_TRIALS,
  MEMORY,
  PROGRESS,
  type Scenario,
  STEADY_MS,
  STEADY_WITH_SPARES_MS,
  WAIT_NOTICED_MS,
} from "./scenario.ts";

type SubtreeDrill = Pick<Scenario, "failure" | "kind" | "fault"> & {
  /** Of the one that fails; the others share the loop. */
  readonly isolation?: Isolation;
  readonly durabilities?: readonly boolean[];
  /** Of the supervisor. */
  readonly group: Readonly<Record<string, unknown>>;
  /** Of the one that fails. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly detectionMs?: number;
};

const GROUP_SIZE = 100;
const ONE_FOR_ALL = { strategy: "one_for_all", intensity: 10_000, period: "5s" } as const;
/** Its supervisor gives up at the first failure, and the one above brings the whole back. */
const GIVES_UP = { intensity: 0, period: "1s" } as const;

const DRILLS: readonly SubtreeDrill[] = [
  { failure: "crash", kind: "one-for-all", fault: byIntent("throw"), group: ONE_FOR_ALL },
  { failure: "crash", kind: "intensity", fault: byIntent("unprovoked"), group: GIVES_UP },
  {
    failure: "hang",
    kind: "wait",
    fault: byIntent("wait"),
    group: GIVES_UP,
    fields: PROGRESS,
    detectionMs: WAIT_NOTICED_MS,
  },
  {
    failure: "hang",
    kind: "loop",
    fault: byIntent("loop"),
    isolation: "worker",
    group: GIVES_UP,
    fields: PROGRESS,
    detectionMs: LOOP_NOTICED_MS,
  },
  {
    failure: "hang",
    kind: "stop",
    fault: bySignalToActor("SIGSTOP"),
    isolation: "process",
    group: GIVES_UP,
    fields: PROGRESS,
    detectionMs: LOOP_NOTICED_MS,
  },
  {
    failure: "exhaustion",
    kind: "grow",
    fault: byGrowth(),
    isolation: "worker",
    group: GIVES_UP,
    fields: MEMORY,
  },
  { failure: "drift", kind: "overwrite", fault: foreignCommit, group: GIVES_UP, durabilities: [true] },
  {
    failure: "loss",
    kind: "kill",
    fault: bySignalToActor("SIGKILL"),
    isolation: "process",
    group: GIVES_UP,
  },
];

function scenariosOf(drill: SubtreeDrill): readonly Scenario[] {
  const { failure, kind, fault, isolation = "shared", durabilities = DURABILITIES } = drill;
  return durabilities.map((durable): Scenario => {
    const members = { isolation: "shared", durable } as const;
    const first = { isolation, durable, ...(drill.fields === undefined ? {} : { fields: drill.fields }) };
    return {
      layer: "subtree",
      failure,
      kind,
      isolation,
      durable,
      graph: groupGraph(GROUP_SIZE, { members, first, group: drill.group }),
      target: () => memberPath(GROUP_SIZE - 1),
      victim: memberPath(0),
      siblings: SIBLINGS,
      keeps: keptBy("shared", durable),
      fault,
      ...budgetOf("subtree", failure, isolation, drill.detectionMs),
      probeEveryMs: 2,
      steadyMs: isolation === "shared" ? STEADY_MS : STEADY_WITH_SPARES_MS,
      awaitsSpare: false,
      words: [],
      trialsPerCell: MANY_TRIALS,
    };
  });
}

export const subtreeScenarios: readonly Scenario[] = DRILLS.flatMap(scenariosOf);
