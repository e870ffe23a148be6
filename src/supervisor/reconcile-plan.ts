// What it takes to get from the specifications that run to the next ones, with the fewest
// restarts: a pure comparison that returns steps and performs nothing. Additions come
// first, removals last, so that a change that fails early has taken nothing away.
import { isDeepStrictEqual } from "node:util";
import type { ChildSpec, SupervisorSpec } from "../manifest/graph.ts";

export type Step =
  | { readonly do: "add"; readonly supervisor: string; readonly spec: ChildSpec }
  | {
      readonly do: "replace";
      readonly supervisor: string;
      readonly before: ChildSpec;
      readonly spec: ChildSpec;
      /** Paths of actors whose behaviour or input is another: their old state means nothing to them. */
      readonly fresh: readonly string[];
    }
  /** Flags, order and specifications; touches no child. */
  | {
      readonly do: "respec";
      readonly supervisor: string;
      readonly before: SupervisorSpec;
      readonly spec: SupervisorSpec;
    }
  | { readonly do: "remove"; readonly supervisor: string; readonly before: ChildSpec };

/** What is known of a child that may be down. */
export type Standing = "up" | "failed" | "down";

type Comparison = {
  readonly restart: ReadonlySet<string>;
  readonly standing: (path: string) => Standing;
  readonly add: Step[];
  readonly replace: Step[];
  readonly respec: Step[];
  readonly remove: Step[];
};

/**
 * @param restart paths whose change needs a new run; what is not in it changes in place
 * @param standing `failed` for what gave up or did not start: it is tried again once its
 *   specification changes; `down` for what ended by itself or by hand: it stays down
 */
export function planReconcile(
  before: SupervisorSpec,
  next: SupervisorSpec,
  restart: ReadonlySet<string>,
  standing: (path: string) => Standing,
): readonly Step[] {
  const comparison: Comparison = { restart, standing, add: [], replace: [], respec: [], remove: [] };
  compare(comparison, before, next);
  const { add, replace, respec, remove } = comparison;
  return [...add, ...replace, ...respec, ...remove.reverse()];
}

function compare(to: Comparison, before: SupervisorSpec, next: SupervisorSpec): void {
  if (before === next && to.restart.size === 0) return;
  const supervisor = next.path;
  const old = new Map(before.children.map((child) => [child.path, child]));
  for (const spec of next.children) {
    const was = old.get(spec.path);
    if (was === undefined) to.add.push({ do: "add", supervisor, spec });
    else compareChild(to, supervisor, was, spec);
  }
  const kept = new Set(next.children.map((child) => child.path));
  for (const child of before.children) {
    if (!kept.has(child.path)) to.remove.push({ do: "remove", supervisor, before: child });
  }
  if (!isDeepStrictEqual(before, next)) to.respec.push({ do: "respec", supervisor, before, spec: next });
}

function compareChild(to: Comparison, supervisor: string, before: ChildSpec, spec: ChildSpec): void {
  if (to.restart.has(spec.path) || before.kind !== spec.kind || isWorthAnotherTry(to, before, spec)) {
    to.replace.push({ do: "replace", supervisor, before, spec, fresh: [...freshPaths(before, spec)] });
  } else if (before.kind === "supervisor" && spec.kind === "supervisor" && to.standing(spec.path) === "up") {
    compare(to, before, spec);
  }
}

function isWorthAnotherTry(to: Comparison, before: ChildSpec, spec: ChildSpec): boolean {
  if (spec.kind === "actor" || to.standing(spec.path) !== "failed") return false;
  if (!isDeepStrictEqual(before, spec)) return true;
  return [...to.restart].some((changed) => changed.startsWith(`${spec.path}/`));
}

function* freshPaths(before: ChildSpec, spec: ChildSpec): Generator<string> {
  if (before.kind === "actor" && spec.kind === "actor") {
    const isOther = !isDeepStrictEqual([before.behaviour, before.input], [spec.behaviour, spec.input]);
    if (isOther) yield spec.path;
  } else if (before.kind === "supervisor" && spec.kind === "supervisor") {
    const old = new Map(before.children.map((child) => [child.path, child]));
    for (const child of spec.children) {
      const was = old.get(child.path);
      if (was !== undefined) yield* freshPaths(was, child);
    }
  } else yield spec.path;
}
