// What the durable actors of a graph hold now, for new code to be judged by: of those that are
// awake here from memory, of all others, asleep or another node's, from their newest commits.
// So many are read at a time; the thread says with each that it goes on.
import { type LiveState, liveStateIn } from "../../actors/durable/upgrade.ts";
import type { PlacedGraph } from "../../manifest/graph.ts";
import { placeOf } from "../../manifest/graph-walk.ts";
import type { DurableActor } from "./durable-actor.ts";
import { createLimiter } from "./limiter.ts";
import { type LoadPorts, loadAnyway } from "./load-state.ts";

/** Commits read at a time. */
const MAX_READING = 64;

/**
 * Of an actor that has never committed, and of one whose commits cannot be read, nothing is
 * told: the latter is judged when it wakes. Throws what the broker refuses.
 * @param here what this process knows of a path
 */
export async function liveStates(
  ports: LoadPorts,
  graph: PlacedGraph,
  paths: readonly string[],
  here: (path: string) => DurableActor | undefined,
): Promise<readonly LiveState[]> {
  const limit = createLimiter(MAX_READING);
  const quiet = { ...ports, onDamaged: () => {} };
  const read = async (path: string): Promise<LiveState | undefined> => {
    const placed = placeOf(graph, path);
    if (placed === undefined) return undefined;
    const { host } = here(path) ?? {};
    if (host !== undefined) {
      const { version } = host.describe();
      return { path, codeHash: placed.codeHash, state: host.stats().state, version };
    }
    const { record } = await loadAnyway(quiet, { path, shard: placed.shard });
    return record === undefined ? undefined : readable(() => liveStateIn(path, record.state));
  };
  const all = await Promise.all(paths.map((path) => limit(() => read(path))));
  return all.filter((each) => each !== undefined);
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
