// `cell0 plan FILE...`
import type { Command } from "commander";
import { documented } from "./documented.ts";
import { exitCodes } from "./exit-codes.ts";
import { planFiles, printPlan } from "./plan-flow.ts";
import { action } from "./session.ts";

export function registerPlan(program: Command): void {
  const command = program
    .command("plan")
    .description(
      "Show what applying these manifests would add, change, remove and restart, and why. Changes nothing.",
    )
    .argument("<files...>", "manifests, or directories of manifests")
    .option("--prune", "also remove the graphs that these files do not name")
    .action(
      action(async (context, files: readonly string[], options: { readonly prune?: true }) => {
        const planned = await planFiles(context, files, options.prune === true);
        if (planned === undefined) return exitCodes.usage;
        printPlan(context, planned.plan);
        context.printJson(planned.plan);
        return planned.plan.problems.length > 0 ? exitCodes.refused : exitCodes.ok;
      }),
    );
  documented(command, {
    examples: [
      ["cell0 plan deploy/examples/hello", "what would change"],
      ["cell0 plan graphs/ --prune --json", "with removals, as JSON"],
    ],
    exits: ["refused", "unreachable"],
  });
}
