// Finds the supervisor whose child a path is, by walking down the path's own prefixes.
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ChildSpec } from "../manifest/graph.ts";
import { findChild } from "./child-table.ts";
import type { Supervisor } from "./supervisor.ts";
import type { ChildStatus } from "./supervisor-state.ts";

export function findOwner(root: Supervisor, path: string): Result<Supervisor, CellError> {
  let supervisor = root;
  for (;;) {
    const { children } = supervisor.state;
    if (findChild(children, path) !== undefined) return ok(supervisor);
    const via = prefixesOf(path).find((prefix) => findChild(children, prefix) !== undefined);
    const status = via === undefined ? undefined : findChild(children, via);
    if (status === undefined || !declares(status.spec, path)) {
      return err(new CellError("SUPERVISOR_NOT_FOUND", `nothing in the tree is at ${path}`, { where: path }));
    }
    const nested = isUp(status) ? supervisor.nested(status.spec.path) : undefined;
    if (nested === undefined) {
      const what = `${status.spec.path}, the supervisor of ${path}, is ${status.phase}`;
      return err(new CellError("SUPERVISOR_NOT_RUNNING", what, { where: path }));
    }
    supervisor = nested;
  }
}

/** The supervisor at a path that is up; the root's is empty. SUPERVISOR_NOT_FOUND, SUPERVISOR_NOT_RUNNING */
export function findSupervisor(root: Supervisor, path: string): Result<Supervisor, CellError> {
  if (path === "") return ok(root);
  const owner = findOwner(root, path);
  if (!owner.ok) return owner;
  const status = findChild(owner.value.state.children, path);
  if (status?.spec.kind === "actor") {
    const what = `${path} is an actor, not a supervisor`;
    return err(new CellError("SUPERVISOR_NOT_FOUND", what, { where: path }));
  }
  const nested = status !== undefined && isUp(status) ? owner.value.nested(path) : undefined;
  if (nested !== undefined) return ok(nested);
  return err(new CellError("SUPERVISOR_NOT_RUNNING", `supervisor ${path} is down`, { where: path }));
}

export function isUp(status: ChildStatus): boolean {
  return status.phase === "running" || status.phase === "starting";
}

/** A graph being changed may hold children that its parent's specification does not name yet. */
function declares(spec: ChildSpec, path: string): boolean {
  return spec.kind === "supervisor" && path.startsWith(`${spec.path}/`);
}

/** `a`, `a/b` for `a/b/c`. */
function prefixesOf(path: string): readonly string[] {
  const tokens = path.split("/");
  return tokens.slice(0, -1).map((_, at) => tokens.slice(0, at + 1).join("/"));
}
