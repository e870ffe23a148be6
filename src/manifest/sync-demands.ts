// Which actors demand more of the broker's disk than the cell offers.
import { CellError } from "../errors/cell-error.ts";
import type { Graph } from "./graph.ts";
import { actorsOf } from "./graph-walk.ts";

/** @param offered of the cell's broker; undefined: not known here, so that nothing can be promised */
export function unmetSync(graph: Graph, offered: string | undefined): CellError[] {
  if (offered === "always") return [];
  const why = offered === undefined ? "this node does not run the broker" : `the broker's is \`${offered}\``;
  return [...actorsOf(graph)].flatMap(({ path, sync }) =>
    sync === undefined
      ? []
      : [new CellError("MANIFEST_SYNC_NOT_OFFERED", `it demands \`sync: ${sync}\`, ${why}`, { where: path })],
  );
}
