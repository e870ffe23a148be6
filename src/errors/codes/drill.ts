import { defineErrors } from "../error-definition.ts";

/** `cell0 drill`: cells that it starts in order to break them. */
export const drillErrors = defineErrors({
  DRILL_CELL_FAILED: {
    title: "the drill's own cell does not run",
    cause: "The temporary cell did not come up, refused the drill's graph, or ended for good.",
    remedy: "Run `cell0 doctor`; with `--keep` the drill leaves its directory and logs behind.",
    retry: "anew",
  },
  DRILL_PROCESS_FOREIGN: {
    title: "a process is not one of the drill's cell",
    cause: "A drill signals only processes that descend from the cradle that it started.",
    remedy: "Run the drill where the system shows the parents of processes (/proc).",
    retry: "never",
  },
  DRILL_NOT_BUILT: {
    title: "the mechanism that this failure needs is not built yet",
    cause: "The drill knows the failure, the cell cannot be made to heal it yet.",
    remedy: "See which failures are drilled with `cell0 drill --list`.",
    retry: "never",
  },
});
