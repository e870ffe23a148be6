// What plan, apply and diff share: manifests are read and checked here, uploaded
// to the cell, and compared there with what runs.
import type { ApplyReport, PlanReport } from "../actors/kernel/reports.ts";
import type { Graph } from "../manifest/graph.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import type { KernelClient, Staged } from "./kernel-client.ts";
import { loadGraph } from "./load-graph.ts";
import { withProgress } from "./progress.ts";
import { renderOutcome, renderPlan, renderProblems } from "./render/plan.ts";

export type Planned = {
  readonly graph: Graph;
  readonly kernel: KernelClient;
  readonly staged: Staged;
  readonly plan: PlanReport;
};

/** Undefined when the manifests have problems, which are printed then. */
export async function planFiles(
  context: Context,
  files: readonly string[],
  prune: boolean,
): Promise<Planned | undefined> {
  const graph = await loadGraph(context, files);
  if (graph === undefined) return undefined;
  const kernel = await context.kernel();
  return await withProgress(context, "planning", async () => {
    const staged = await kernel.stage(graph, prune);
    return { graph, kernel, staged, plan: await kernel.plan(staged) };
  });
}

export function printPlan(context: Context, plan: PlanReport): void {
  context.print(renderPlan(plan, context.colors));
  if (plan.problems.length > 0) context.note(renderProblems(plan.problems, context.errorColors));
}

/** Prints what became of it: `applied` or not, and what does not run as stated. */
export function printOutcome(context: Context, report: ApplyReport): ExitCode {
  context.print(renderOutcome(report, context.colors));
  context.printJson(report);
  if (report.problems.length > 0) {
    context.note(renderProblems(report.problems, context.errorColors));
    return exitCodes.refused;
  }
  return report.unsatisfied.length > 0 ? exitCodes.partial : exitCodes.ok;
}
