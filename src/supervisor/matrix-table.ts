// The matrix as rows, for whoever shows it: the command line and docs/matrix.md.
import type { FailureClass } from "../actors/child.ts";
import {
  type Answer,
  type Counting,
  failureClasses,
  type Layer,
  layerNumber,
  layers,
  type ResurrectionMatrix,
} from "./matrix-rules.ts";

export type MatrixRow = { readonly layer: Layer; readonly failure: FailureClass } & Answer<Layer>;

/** In the order of layers, then of classes. */
export function matrixRows(matrix: ResurrectionMatrix): readonly MatrixRow[] {
  return layers.flatMap((layer) =>
    failureClasses.map((failure) => ({ layer, failure, ...matrix[layer][failure] })),
  );
}

export const layerName = (layer: Layer): string => `${layerNumber(layer)} ${layer}`;

export function budgetText(row: MatrixRow): string {
  if (row.kind !== "rule") return "-";
  const { budgetMs, isolatedBudgetMs } = row;
  return isolatedBudgetMs === undefined
    ? `${budgetMs} ms`
    : `${budgetMs} ms, isolated ${isolatedBudgetMs} ms`;
}

export function countingText(counting: Counting): string {
  return counting === "intensity" ? "intensity" : `${counting.restarts} in ${counting.periodMs / 1_000} s`;
}

export function escalationText(row: MatrixRow): string {
  if (row.kind !== "rule") return "-";
  const { escalation, causedBySender, parkedAfter } = row;
  if (parkedAfter !== undefined) {
    const { deaths, periodMs } = parkedAfter;
    return `${escalation}; by one actor's code, ${deaths} in ${periodMs / 1_000} s: park`;
  }
  return causedBySender === undefined ? escalation : `${escalation}; by a sender: ${causedBySender}`;
}

/** Why there is no rule. */
export function absenceText(row: MatrixRow): string {
  if (row.kind === "rule") return "";
  return row.planned === true ? `not built yet: ${row.reason}` : row.reason;
}
