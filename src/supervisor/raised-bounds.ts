// The matrix with room for a thousand failures in a row: for cells that `cell0 drill` starts
// and for no other. What is done about a failure stays as it is; only the bounds beyond which
// the kernel, the process or an actor's code would count as hopeless are out of reach.
import type { FailureClass } from "../actors/child.ts";
import { type Answer, failureClasses, type ResurrectionMatrix } from "./matrix-rules.ts";

/** More than a drill causes within any period. */
export const RAISED = 1_000_000;

export function raisedBounds(matrix: ResurrectionMatrix): ResurrectionMatrix {
  return { ...matrix, kernel: raisedRow(matrix.kernel), process: raisedRow(matrix.process) };
}

type Row<L extends "kernel" | "process"> = { readonly [C in FailureClass]: Answer<L> };

function raisedRow<L extends "kernel" | "process">(row: Row<L>): Row<L> {
  const raised: { [C in FailureClass]: Answer<L> } = { ...row };
  for (const failure of failureClasses) raised[failure] = raisedAnswer(row[failure]);
  return raised;
}

function raisedAnswer<L extends "kernel" | "process">(answer: Answer<L>): Answer<L> {
  if (answer.kind !== "rule" || answer.counting === "intensity") return answer;
  const { parkedAfter } = answer;
  return {
    ...answer,
    counting: { ...answer.counting, restarts: RAISED },
    ...(parkedAfter === undefined
      ? {}
      : { parkedAfter: { ...parkedAfter, deaths: RAISED, atOnceBeyond: RAISED } }),
  };
}
