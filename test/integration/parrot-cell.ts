// A cell that runs `live/parrot`, and nothing else.
import { type LiveCell, startCell } from "./live-cell.ts";
import { manifest, type Workspace } from "./workspace.ts";

export async function startParrot(workspace: Workspace): Promise<LiveCell> {
  const file = await workspace.write(
    "live.yaml",
    manifest("live", [{ actor: "parrot", behaviour: "./parrot.ts#parrot" }]),
  );
  return await startCell({ up: [file] });
}
