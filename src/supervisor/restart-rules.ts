// What the resurrection matrix says of one child's end: pure, from the child's
// specification and the reason of its end.
import type { ExitReason, FailureClass } from "../actors/child.ts";
import { type ChildSpec, DEFAULT_ON_CORRUPTION } from "../manifest/graph.ts";
import type { Counting, Escalation, LayerActions, ResurrectionMatrix } from "./matrix-rules.ts";
import type { Resume } from "./supervisor-state.ts";

export type RestartRule = {
  /** Undefined for an end that is no failure. */
  readonly failure: FailureClass | undefined;
  /** Which snapshot it goes on from; `park`: it does not. */
  readonly resume: Resume | "park";
  readonly counting: Counting;
  readonly escalation: Escalation;
  readonly causedBySender: "park" | undefined;
};

/** A kill from outside of the tree is a loss; an end that is no failure has no class. */
export function classOf(reason: ExitReason): FailureClass | undefined {
  if (reason.kind === "failed") return reason.failure.class;
  return reason.kind === "killed" ? "loss" : undefined;
}

/** Undefined when the matrix has no rule at the child's layer: the layer above decides. */
export function ruleFor(
  matrix: ResurrectionMatrix,
  spec: ChildSpec,
  reason: ExitReason,
): RestartRule | undefined {
  const failure = classOf(reason);
  if (failure === undefined) return endedRule(reason);
  const answer = spec.kind === "actor" ? matrix.actor[failure] : matrix.subtree[failure];
  if (answer.kind === "notApplicable") return undefined;
  const { action, counting, escalation, causedBySender } = answer;
  return {
    failure,
    resume: resumeOf(action, spec),
    counting,
    escalation,
    causedBySender,
  };
}

/** A permanent child that ended by itself. After a normal end there is nothing to go back to. */
function endedRule(reason: ExitReason): RestartRule {
  return {
    failure: undefined,
    resume: reason.kind === "normal" ? "nothing" : "last",
    counting: "intensity",
    escalation: "subtree",
    causedBySender: undefined,
  };
}

function resumeOf(action: LayerActions["actor" | "subtree"], spec: ChildSpec): Resume | "park" {
  switch (action) {
    case "restart-from-snapshot":
    case "restart-subtree":
    case "dead-letter-and-restart":
      return "last";
    case "restore-previous-snapshot":
      return spec.kind === "actor" ? AFTER_CORRUPTION[spec.onCorruption ?? DEFAULT_ON_CORRUPTION] : "last";
    case "restart-fresh":
    case "restart-subtree-fresh":
      return "nothing";
    case "park":
      return "park";
  }
}

/** The bad snapshot is set aside by then: the newest that is left is the one before it. */
const AFTER_CORRUPTION = { previous: "last", fresh: "nothing", park: "park" } as const;
