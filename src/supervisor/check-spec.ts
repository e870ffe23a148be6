// Refuses specifications that a supervisor cannot keep, before anything is started or
// changed. The manifest's validator says the same earlier and with positions; this is
// the tree's own guard against specs from elsewhere.
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ActorSpec, Backoff, ChildSpec, SupervisorSpec } from "../manifest/graph.ts";

/** SUPERVISOR_SPEC_INVALID, with the path and the field. */
export function checkSpecs(roots: readonly ChildSpec[]): Result<void, CellError> {
  const seen = new Set<string>();
  const problem = firstProblem(roots, undefined, seen);
  return problem === undefined ? ok(undefined) : err(problem);
}

function firstProblem(
  children: readonly ChildSpec[],
  parent: SupervisorSpec | undefined,
  seen: Set<string>,
): CellError | undefined {
  for (const spec of children) {
    if (seen.has(spec.path)) return invalid(spec.path, "two children have this path");
    seen.add(spec.path);
    if (parent !== undefined && !spec.path.startsWith(`${parent.path}/`)) {
      return invalid(spec.path, `a child of ${parent.path} has a path below it`);
    }
    const problem =
      significanceProblem(spec, parent) ??
      (spec.kind === "supervisor" ? supervisorProblem(spec, seen) : actorProblem(spec));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** As in EEP 56: what is restarted for ever ends by itself never. */
function significanceProblem(spec: ChildSpec, parent: SupervisorSpec | undefined): CellError | undefined {
  if (spec.significant !== true) return undefined;
  if (spec.restart === "permanent") {
    return invalid(spec.path, "a child with `significant` is transient or temporary, not permanent");
  }
  if ((parent?.autoShutdown ?? "never") === "never") {
    return invalid(spec.path, "`significant` needs a supervisor whose `autoShutdown` is not never");
  }
  return undefined;
}

function actorProblem({ path, shutdownMs, backoff }: ActorSpec): CellError | undefined {
  if (!(shutdownMs >= 0)) return invalid(path, "`shutdownMs` is below 0");
  return backoff === undefined ? undefined : backoffProblem(path, backoff);
}

function backoffProblem(path: string, { initialMs, maxMs, factor }: Backoff): CellError | undefined {
  const fits = initialMs >= 0 && maxMs >= initialMs && factor >= 1;
  return fits ? undefined : invalid(path, "`backoff` has 0 <= initialMs <= maxMs and factor >= 1");
}

function supervisorProblem(spec: SupervisorSpec, seen: Set<string>): CellError | undefined {
  if (!Number.isInteger(spec.intensity) || spec.intensity < 0) {
    return invalid(spec.path, "`intensity` is a whole number from 0");
  }
  if (!(spec.periodMs > 0)) return invalid(spec.path, "`periodMs` is above 0");
  return (
    backoffProblem(spec.path, spec.backoff) ??
    templateProblem(spec) ??
    firstProblem(spec.children, spec, seen)
  );
}

function templateProblem(spec: SupervisorSpec): CellError | undefined {
  const isDynamic = spec.strategy === "simple_one_for_one";
  if (!isDynamic && spec.template !== undefined) {
    return invalid(spec.path, "`template` is for the strategy simple_one_for_one");
  }
  if (!isDynamic) return undefined;
  if (spec.template === undefined) return invalid(spec.path, "simple_one_for_one needs a `template`");
  if (spec.children.length > 0) {
    return invalid(spec.path, "the children of simple_one_for_one are started at run time");
  }
  return significanceProblem(spec.template, spec) ?? actorProblem(spec.template);
}

function invalid(where: string, what: string): CellError {
  return new CellError("SUPERVISOR_SPEC_INVALID", what, { where });
}
