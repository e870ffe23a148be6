// Loads the code of this node's actors ahead, and of those that later revisions
// bring, so that a process in standby need not when it takes over. What does not
// load is told when it is needed.
import { loadBehaviour } from "../actors/loader/load-behaviour.ts";
import type { PlacedGraph } from "../manifest/graph.ts";
import { actorsOf } from "../manifest/graph-walk.ts";
import type { Watched } from "./links.ts";

export async function preloadBehaviours(placed: Watched<PlacedGraph>, node: string): Promise<void> {
  const seen = new Set<string>();
  const load = async (graph: PlacedGraph) => {
    for (const { path, behaviour, isolation } of actorsOf(graph)) {
      const place = graph.placed[path];
      if (place?.node !== node || isolation !== "shared") continue;
      const { codeHash } = place;
      const { module, export: exported } = behaviour;
      const key = `${codeHash} ${module} ${exported}`;
      if (seen.has(key)) continue;
      seen.add(key);
      await loadBehaviour({ module, export: exported, codeHash }).catch(() => seen.delete(key));
    }
  };
  placed.follow((graph) => void load(graph));
  await load(placed.value);
}
