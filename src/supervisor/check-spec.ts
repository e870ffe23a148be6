// Refuses specifications that a supervisor cannot keep, before anything is started or
// changed. The manifest's validator says the same earlier and with positions; this is
// the tree's own guard against specs from elsewhere.
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ChildSpec, SupervisorSpec } from "../manifest/graph.ts";

export function checkSpecs(roots: readonly ChildSpec[]): Result<void, CellError> {
  const seen = new Set<string>();
  const problem = firstProblem(roots, "", seen);
  return problem === undefined ? ok(undefined) : err(problem);
}

function firstProblem(
  children: readonly ChildSpec[],
  parent: string,
  seen: Set<string>,
): CellError | undefined {
  for (const spec of children) {
    if (seen.has(spec.path)) return invalid(spec.path, "two children have this path");
    seen.add(spec.path);
    if (parent !== "" && !spec.path.startsWith(`${parent}/`)) {
      return invalid(spec.path, `a child of ${parent} has a path below it`);
    }
    const problem = spec.kind === "supervisor" ? supervisorProblem(spec, seen) : undefined;
    if (problem !== undefined) return problem;
    if (spec.kind === "actor" && !(spec.shutdownMs >= 0))
      return invalid(spec.path, "`shutdownMs` is below 0");
  }
  return undefined;
}

function supervisorProblem(spec: SupervisorSpec, seen: Set<string>): CellError | undefined {
  if (spec.strategy !== "one_for_one") {
    const what = `strategy ${spec.strategy} is not built yet`;
    return new CellError("SUPERVISOR_STRATEGY_UNSUPPORTED", what, { where: spec.path });
  }
  if (!Number.isInteger(spec.intensity) || spec.intensity < 0) {
    return invalid(spec.path, "`intensity` is a whole number from 0");
  }
  if (!(spec.periodMs > 0)) return invalid(spec.path, "`periodMs` is above 0");
  const { initialMs, maxMs, factor } = spec.backoff;
  if (!(initialMs >= 0 && maxMs >= initialMs && factor >= 1)) {
    return invalid(spec.path, "`backoff` has 0 <= initialMs <= maxMs and factor >= 1");
  }
  return firstProblem(spec.children, spec.path, seen);
}

function invalid(where: string, what: string): CellError {
  return new CellError("SUPERVISOR_SPEC_INVALID", what, { where });
}
