// Layer 1: one actor fails, its siblings stand beside it under the same supervisor.
import { bitFlip, breach, byGrowth, byIntent, bySignalToActor, foreignCommit } from "./faults.ts";
import { type ActorForm, flatGraph, SIBLINGS, targetPath } from "./graphs.ts";
import type { Keeps } from "./judge.ts";
import {
  budgetOf,
  DURABILITIES,
  ISOLATED,
  ISOLATIONS,
  type Isolation,
  keptBy,
  LOOP_NOTICED_MS,
  MANY_TRIALS,
  MEMORY,
  ofDeaths,
  PROGRESS,
  type Scenario,
  STEADY_MS,
  STEADY_WITH_SPARES_MS,
  WAIT_NOTICED_MS,
} from "./scenario.ts";

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
  /** Of the actor in one trial, each of which takes a spare; default 1. */
  readonly deaths?: number;
};

/** Of failures that are bounded for each actor by itself: many take turns. */
const IN_TURNS = { targets: 40, trialsPerTarget: 2 } as const;

const DRILLS: readonly ActorDrill[] = [
  { failure: "crash", kind: "throw", fault: byIntent("throw"), isolations: ISOLATIONS },
  { failure: "crash", kind: "reject", fault: byIntent("reject"), isolations: ISOLATIONS },
  { failure: "crash", kind: "stray", fault: byIntent("stray"), isolations: ISOLATIONS },
  {
    failure: "hang",
    kind: "loop",
    fault: byIntent("loop"),
    isolations: ISOLATED,
    fields: PROGRESS,
    detectionMs: LOOP_NOTICED_MS,
  },
  {
    failure: "hang",
    kind: "wait",
    fault: byIntent("wait"),
    isolations: ISOLATIONS,
    fields: PROGRESS,
    detectionMs: WAIT_NOTICED_MS,
  },
  {
    failure: "hang",
    kind: "stop",
    fault: bySignalToActor("SIGSTOP"),
    isolations: ["process"],
    fields: PROGRESS,
    detectionMs: LOOP_NOTICED_MS,
  },
  {
    failure: "poison",
    kind: "poison",
    fault: byIntent("throw", { again: true }),
    isolations: ISOLATIONS,
    durabilities: [true],
    deaths: 2,
    ...IN_TURNS,
  },
  // An actor of the shared loop has no limit of its own.
  { failure: "exhaustion", kind: "grow", fault: byGrowth(), isolations: ISOLATED, fields: MEMORY },
  // Of a volatile actor nothing is kept that it could differ from.
  { failure: "drift", kind: "overwrite", fault: foreignCommit, isolations: ISOLATIONS, durabilities: [true] },
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
    ...IN_TURNS,
  },
  { failure: "loss", kind: "kill", fault: bySignalToActor("SIGKILL"), isolations: ["process"] },
  // A worker's channel is out of reach for the code that runs in it.
  { failure: "treachery", kind: "breach", fault: breach, isolations: ["process"] },
];

function scenariosOf(drill: ActorDrill): readonly Scenario[] {
  const { failure, kind, fault, isolations, durabilities = DURABILITIES, fields } = drill;
  const { targets = 1, trialsPerTarget = MANY_TRIALS, detectionMs, deaths = 1 } = drill;
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
        ...ofDeaths(deaths, "actor", budgetOf("actor", failure, isolation, detectionMs)),
        probeEveryMs: isolation === "shared" ? 2 : 5,
        steadyMs: isolation === "shared" ? STEADY_MS : STEADY_WITH_SPARES_MS * deaths,
        awaitsSpare: false,
        words: [],
        trialsPerCell: targets * trialsPerTarget,
      };
    }),
  );
}

export const actorScenarios: readonly Scenario[] = DRILLS.flatMap(scenariosOf);
