// Everything that is drilled, and how the trials of one cell of the matrix are shared among
// its rows. A cell with a rule that nothing here names is reported as not drilled.
import { actorScenarios } from "./actor-scenarios.ts";
import { nodeScenarios } from "./node-scenarios.ts";
import type { Scenario } from "./scenario.ts";
import { subtreeScenarios } from "./subtree-scenarios.ts";

/** In the order of the matrix: layers, then classes. */
export const catalogue: readonly Scenario[] = [...actorScenarios, ...subtreeScenarios, ...nodeScenarios];

/** Of so many for each cell of the matrix, this row's part, rounded up: the rows of a cell that are drilled share them. */
export function trialsOf(
  { layer, failure }: Scenario,
  perCell: number,
  rows: readonly Pick<Scenario, "layer" | "failure">[],
): number {
  const cell = rows.filter((row) => row.layer === layer && row.failure === failure);
  return Math.ceil(perCell / cell.length);
}
