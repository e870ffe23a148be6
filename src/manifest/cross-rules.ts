// Rules over all documents that are loaded together: names of graphs, grants
// that lead nowhere, and how many actors there are. Documents that have other
// problems count too, so that one mistake does not hide another.
import { parentPath } from "./graph-walk.ts";
import type { Problem } from "./problem.ts";
import { nearest } from "./suggest.ts";
import type { Outline } from "./validate.ts";
import type { YamlDocument } from "./yaml-document.ts";

export const MAX_ACTORS = 100_000;

export type OutlinedDocument = { readonly document: YamlDocument; readonly outline: Outline };

export function crossProblems(documents: readonly OutlinedDocument[]): Problem[] {
  return [...duplicateGraphs(documents), ...tooMany(documents), ...deadGrants(documents)];
}

function duplicateGraphs(documents: readonly OutlinedDocument[]): Problem[] {
  const names = new Set<string>();
  return documents.flatMap(({ document, outline: { graph } }) => {
    if (graph === undefined) return [];
    if (!names.has(graph)) {
      names.add(graph);
      return [];
    }
    const message = `another document states a graph \`${graph}\``;
    return [document.problem(["metadata", "name"], "value", { code: "MANIFEST_DUPLICATE_NAME", message })];
  });
}

function tooMany(documents: readonly OutlinedDocument[]): Problem[] {
  let count = 0;
  for (const { document, outline } of documents) {
    for (const kind of outline.declared.values()) if (kind === "actor") count += 1;
    if (count <= MAX_ACTORS) continue;
    const message = `up to here there are ${count} actors, at most ${MAX_ACTORS} are taken`;
    return [document.problem(["spec", "children"], "key", { code: "MANIFEST_TOO_LARGE", message })];
  }
  return [];
}

/** A grant that names an actor of a graph that is stated here must name one that is there; other graphs may come later. */
function deadGrants(documents: readonly OutlinedDocument[]): Problem[] {
  const declared = new Map(documents.flatMap(({ outline }) => [...outline.declared]));
  const dynamic = new Set(documents.flatMap(({ outline }) => [...outline.dynamic]));
  const graphs = new Set(documents.map(({ outline }) => outline.graph));
  const actors = [...declared].flatMap(([path, kind]) => (kind === "actor" ? [path] : []));
  const told = new Map<string, Told>();
  return documents.flatMap(({ document, outline }) =>
    outline.grants.flatMap(({ at, grant: { targets } }) =>
      targets.flatMap((target, index) => {
        const isStatedHere = !target.includes("*") && graphs.has(target.split("/", 1)[0]);
        if (!isStatedHere || declared.get(target) === "actor" || dynamic.has(parentPath(target))) return [];
        const text = told.get(target) ?? textOf(target, declared.has(target), actors);
        told.set(target, text);
        return [document.problem([...at, "targets", index], "value", text)];
      }),
    ),
  );
}

type Told = {
  readonly code: "MANIFEST_GRANT_UNREACHABLE";
  readonly message: string;
  readonly suggestion?: string;
};

function textOf(target: string, isSupervisor: boolean, actors: readonly string[]): Told {
  const code = "MANIFEST_GRANT_UNREACHABLE";
  if (isSupervisor) {
    const message = `\`${target}\` is a supervisor, which takes no intents`;
    return { code, message, suggestion: `${target}/*` };
  }
  const suggestion = nearest(target, actors);
  return {
    code,
    message: `there is no actor \`${target}\``,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}
