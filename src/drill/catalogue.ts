// Everything that is drilled, and how the trials of one cell of the matrix are shared among
// its rows. A cell with a rule that nothing here names is reported as not drilled.
import { actorScenarios } from "./actor-scenarios.ts";
import { nodeScenarios } from "./node-scenarios.ts";
import type { Scenario } from "./scenario.ts";
import { subtreeScenarios } from "./subtree-scenarios.ts";

/** In the order of the matrix: layers, then classes. */
export const catalogue: readonly Scenario[] = [...actorScenarios, ...subtreeScenarios, ...nodeScenarios];

/**
 * Of so many for each cell of the matrix, this row's part, rounded up: by its share among the
 * rows of its cell that are drilled.
 */
export function trialsOf(
  { layer, failure, share }: Scenario,
  perCell: number,
  rows: readonly Pick<Scenario, "layer" | "failure" | "share">[],
): number {
  const cell = rows.filter((row) => row.layer === layer && row.failure === failure);
  const all = cell.reduce((total, row) => total + row.share, 0);
  return Math.ceil((perCell * share) / all);
}
