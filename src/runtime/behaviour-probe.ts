// Loads a graph's behaviours in the sandbox and says which code each actor would
// run, or what stands against it. What was loaded once is not loaded again while
// its code is the same.

import { type LiveState, upgradeProblem } from "../actors/durable/upgrade.ts";
import { longWork } from "../actors/in-hand.ts";
import { hashBehaviour } from "../actors/loader/code-files.ts";
import { type ProbedBehaviour, probeBehaviours } from "../actors/probe/probe-behaviours.ts";
import { CellError } from "../errors/cell-error.ts";
import { same } from "../manifest/canonical.ts";
import type { ActorSpec, Graph, PlacedGraph } from "../manifest/graph.ts";
import { actorsOf, parentPath } from "../manifest/graph-walk.ts";
import { nearest } from "../manifest/suggest.ts";

export type ProbedGraph = {
  /** By the actor's path. */
  readonly codeHashes: Readonly<Record<string, string>>;
  readonly problems: readonly CellError[];
};

/** Behaviours remembered; the oldest go first. */
const MAX_KNOWN = 1024;

type Ref = ActorSpec["behaviour"];
const nameOf = ({ module, export: exported }: Ref): string => `${exported} ${module}`;

/** What the durable actors at these paths hold, awake or not; of a template, its children. */
export type LiveStates = (paths: readonly string[]) => Promise<readonly LiveState[]>;

/**
 * A probe with a memory of its own.
 * @param inForce the revision in force: what it runs was probed when it was made
 * @param live of durable actors that are there: new code must be able to go on with their state
 */
export function createBehaviourProbe(
  inForce: () => PlacedGraph,
  live: LiveStates = async () => [],
): (graph: Graph) => Promise<ProbedGraph> {
  const known = new Map<string, ProbedBehaviour>();
  return async (graph) => {
    const all = [...actorsOf(graph)];
    const unchanged = await unchangedCode(all, inForce());
    const actors = all.filter(({ path }) => unchanged[path] === undefined);
    const refs = [...new Map(actors.map(({ behaviour }) => [nameOf(behaviour), behaviour])).values()];
    const found = await recall(refs, known);
    const problems = new Map<string, CellError>();
    const missing = refs.filter((ref) => !found.has(nameOf(ref)));
    for (const { result, ...ref } of await probeBehaviours(missing)) {
      if (result.ok) {
        found.set(nameOf(ref), result.value);
        remember(known, `${result.value.codeHash} ${nameOf(ref)}`, result.value);
      } else problems.set(nameOf(ref), result.error);
    }
    const judged = longWork(() => judge(actors, found, problems));
    const stranding = await strandedBy(actors, found, inForce(), live);
    return {
      problems: [...judged.problems, ...stranding],
      codeHashes: { ...unchanged, ...judged.codeHashes },
    };
  };
}

/** One problem for each behaviour whose new code says nothing of the state that is there. */
async function strandedBy(
  actors: readonly ActorSpec[],
  found: ReadonlyMap<string, ProbedBehaviour>,
  before: PlacedGraph,
  live: LiveStates,
): Promise<CellError[]> {
  const behaviours = longWork(() => {
    const wasDurable = new Set([...actorsOf(before)].flatMap(({ path, durable }) => (durable ? path : [])));
    return new Map(
      actors.flatMap(({ path, behaviour, durable }) =>
        durable && wasDurable.has(path) && found.has(nameOf(behaviour)) ? [[path, nameOf(behaviour)]] : [],
      ),
    );
  });
  const states = behaviours.size === 0 ? [] : await live([...behaviours.keys()]);
  const byBehaviour = Map.groupBy(
    states,
    ({ path }) => behaviours.get(path) ?? behaviours.get(parentPath(path)) ?? "",
  );
  return [...byBehaviour].flatMap(([name, held]) => {
    const next = found.get(name);
    return next === undefined ? [] : (upgradeProblem(held, next) ?? []);
  });
}

/** Code hash by path, of actors that run this very code and accept the same intents already. */
async function unchangedCode(
  actors: readonly ActorSpec[],
  inForce: PlacedGraph,
): Promise<Readonly<Record<string, string>>> {
  const modules = new Set(actors.map(({ behaviour }) => behaviour.module));
  const hashes = new Map<string, string | undefined>();
  for (const module of modules) hashes.set(module, await hashBehaviour(module).catch(() => undefined));
  return longWork(() => {
    const before = new Map([...actorsOf(inForce)].map((actor) => [actor.path, actor]));
    const unchanged: Record<string, string> = {};
    for (const actor of actors) {
      const { path, behaviour } = actor;
      const was = before.get(path);
      if (was === undefined || (was !== actor && !runsTheSame(was, actor))) continue;
      const hash = hashes.get(behaviour.module);
      if (hash !== undefined && hash === inForce.placed[path]?.codeHash) unchanged[path] = hash;
    }
    return unchanged;
  });
}

const runsTheSame = (was: ActorSpec, is: ActorSpec): boolean =>
  same([was.behaviour, was.intents], [is.behaviour, is.intents]);

async function recall(
  refs: readonly Ref[],
  known: ReadonlyMap<string, ProbedBehaviour>,
): Promise<Map<string, ProbedBehaviour>> {
  const found = new Map<string, ProbedBehaviour>();
  if (known.size === 0) return found;
  for (const ref of refs) {
    const codeHash = await hashBehaviour(ref.module).catch(() => undefined);
    const behaviour = codeHash === undefined ? undefined : known.get(`${codeHash} ${nameOf(ref)}`);
    if (behaviour !== undefined) found.set(nameOf(ref), behaviour);
  }
  return found;
}

function remember(known: Map<string, ProbedBehaviour>, key: string, behaviour: ProbedBehaviour): void {
  const [oldest] = known.size >= MAX_KNOWN ? known.keys() : [];
  if (oldest !== undefined) known.delete(oldest);
  known.set(key, behaviour);
}

function judge(
  actors: readonly ActorSpec[],
  found: ReadonlyMap<string, ProbedBehaviour>,
  problems: ReadonlyMap<string, CellError>,
): ProbedGraph {
  const codeHashes: Record<string, string> = {};
  const told = new Set<string>();
  const all: CellError[] = [];
  for (const { path, behaviour, intents } of actors) {
    const name = nameOf(behaviour);
    const problem = problems.get(name);
    if (problem !== undefined && !told.has(name)) all.push(problem);
    told.add(name);
    const probed = found.get(name);
    if (probed === undefined) continue;
    codeHashes[path] = probed.codeHash;
    for (const intent of Object.keys(intents)) {
      if (!Object.hasOwn(probed.intents, intent))
        all.push(unknownIntent(path, intent, Object.keys(probed.intents)));
    }
  }
  return { codeHashes, problems: all };
}

function unknownIntent(path: string, intent: string, declared: readonly string[]): CellError {
  const suggestion = nearest(intent, declared);
  const remedy =
    suggestion === undefined
      ? `It declares: ${declared.join(", ") || "none"}.`
      : `Did you mean \`${suggestion}\`?`;
  return new CellError("ACTOR_INTENT_UNKNOWN", `its behaviour declares no intent \`${intent}\``, {
    where: path,
    remedy,
  });
}
