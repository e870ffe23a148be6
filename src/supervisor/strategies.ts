// Who is restarted together with a child that failed: Erlang's restart strategies. Pure.
import { entriesOf, positionOf } from "./child-table.ts";
import type { SupervisorState } from "./supervisor-state.ts";

/** Paths in start order, the failed child's among them; undefined: it alone. */
export function groupOf({ spec, children }: SupervisorState, failed: string): readonly string[] | undefined {
  switch (spec.strategy) {
    case "one_for_one":
    case "simple_one_for_one":
      return undefined;
    case "one_for_all":
      return [...entriesOf(children)].map(([path]) => path);
    case "rest_for_one": {
      const from = positionOf(children, failed) ?? 0;
      const paths = [...entriesOf(children)].map(([path]) => path);
      return paths.filter((path) => (positionOf(children, path) ?? 0) >= from);
    }
  }
}

/** Whether a child's failure concerns others too. */
export const isGrouped = ({ spec }: SupervisorState): boolean =>
  spec.strategy === "one_for_all" || spec.strategy === "rest_for_one";
