// Rules over all documents that are loaded together: names of graphs, grants
// that lead nowhere, and how many actors there are.
import { actorsOf, specsOf } from "./graph-walk.ts";
import type { LoadedDocument } from "./load.ts";
import type { Problem } from "./problem.ts";
import { nearest } from "./suggest.ts";

export const MAX_ACTORS = 100_000;

export function crossProblems(loaded: readonly LoadedDocument[]): Problem[] {
  return [...duplicateGraphs(loaded), ...tooMany(loaded), ...deadGrants(loaded)];
}

function duplicateGraphs(loaded: readonly LoadedDocument[]): Problem[] {
  const names = new Set<string>();
  return loaded.flatMap(({ document, valid }) => {
    const name = valid.root.path;
    if (!names.has(name)) {
      names.add(name);
      return [];
    }
    const message = `another document states a graph \`${name}\``;
    return [document.problem(["metadata", "name"], "value", { code: "MANIFEST_DUPLICATE_NAME", message })];
  });
}

function tooMany(loaded: readonly LoadedDocument[]): Problem[] {
  const roots = loaded.map(({ valid }) => valid.root);
  const count = [...actorsOf({ roots })].length;
  const [first] = loaded;
  if (count <= MAX_ACTORS || first === undefined) return [];
  const message = `there are ${count} actors, at most ${MAX_ACTORS} are taken`;
  return [first.document.problem(["spec", "children"], "key", { code: "MANIFEST_TOO_LARGE", message })];
}

/** A grant that names an actor of a graph that is stated here must name one that is there; other graphs may come later. */
function deadGrants(loaded: readonly LoadedDocument[]): Problem[] {
  const roots = loaded.map(({ valid }) => valid.root);
  const graphs = new Set(roots.map(({ path }) => path));
  const paths = new Set([...actorsOf({ roots })].map(({ path }) => path));
  const isDead = (target: string) =>
    !target.includes("*") && graphs.has(target.split("/", 1)[0] ?? "") && !paths.has(target);
  return loaded.flatMap(({ document, valid }) => {
    const problems: Problem[] = [];
    const check = (
      grants: readonly { readonly targets: readonly string[] }[],
      base: readonly PropertyKey[],
    ) => {
      for (const [at, { targets }] of grants.entries()) {
        for (const [index, target] of targets.entries()) {
          if (!isDead(target)) continue;
          const suggestion = nearest(target, paths);
          problems.push(
            document.problem([...base, "grants", at, "targets", index], "value", {
              code: "MANIFEST_GRANT_UNREACHABLE",
              message: `there is no actor \`${target}\``,
              ...(suggestion === undefined ? {} : { suggestion }),
            }),
          );
        }
      }
    };
    for (const spec of specsOf({ roots: [valid.root] })) {
      if (spec.kind === "actor") check(spec.grants, valid.places.get(spec.path) ?? []);
    }
    for (const [index, { grants }] of valid.clients.entries()) check(grants, ["spec", "clients", index]);
    return problems;
  });
}
