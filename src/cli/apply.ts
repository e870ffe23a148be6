// `cell0 apply FILE...`
import type { Command } from "commander";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { planFiles, printOutcome, printPlan } from "./plan-flow.ts";
import { withProgress } from "./progress.ts";
import { disturbs } from "./render/plan.ts";
import { action } from "./session.ts";

export function registerApply(program: Command): void {
  const command = program
    .command("apply")
    .description(
      "Make the cell run what these manifests state, with the fewest restarts. Applied twice, it changes nothing. When it fails, what ran before still runs.",
    )
    .argument("<files...>", "manifests, or directories of manifests")
    .option("--prune", "also remove the graphs that these files do not name")
    .option("-y, --yes", "do not ask before something is removed or restarted")
    .action(
      action((context, files: readonly string[], options: ApplyOptions) =>
        applyManifests(context, files, options),
      ),
    );
  documented(command, {
    examples: [
      ["cell0 apply deploy/examples/hello", "apply one graph, leave the others alone"],
      ["cell0 apply graphs/ --prune --yes", "run exactly what the directory states"],
    ],
    exits: ["negative", "refused", "unreachable", "partial"],
  });
}

export type ApplyOptions = { readonly prune?: boolean; readonly yes?: boolean };

/** Plans, asks if something is lost by it, applies, and prints all of it. */
export async function applyManifests(
  context: Context,
  files: readonly string[],
  options: ApplyOptions,
): Promise<ExitCode> {
  const planned = await planFiles(context, files, options.prune === true);
  if (planned === undefined) return exitCodes.usage;
  const { plan, kernel, staged } = planned;
  printPlan(context, plan);
  if (plan.problems.length > 0) {
    context.printJson({ ...plan, applied: false });
    return exitCodes.refused;
  }
  if (plan.changes.length === 0) {
    context.printJson({ ...plan, revision: plan.baseRevision, applied: false, unsatisfied: [] });
    return exitCodes.ok;
  }
  if (disturbs(plan.changes)) await confirm(context, "Apply this?", options.yes === true);
  const report = await withProgress(context, "applying", () => kernel.apply(staged, plan.baseRevision));
  return printOutcome(context, report);
}
