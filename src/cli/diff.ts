// `cell0 diff FILE...`: for scripts that watch for drift.
import type { Command } from "commander";
import { documented } from "./documented.ts";
import { exitCodes } from "./exit-codes.ts";
import { planFiles, printPlan } from "./plan-flow.ts";
import { plain } from "./render/text.ts";
import { action } from "./session.ts";

export function registerDiff(program: Command): void {
  const command = program
    .command("diff")
    .description(
      "Compare these manifests with what the cell runs, and exit with 1 when they differ, or when an actor does not run as stated.",
    )
    .argument("<files...>", "manifests, or directories of manifests")
    .option("--prune", "count graphs that these files do not name as a difference")
    .action(
      action(async (context, files: readonly string[], options: { readonly prune?: true }) => {
        const planned = await planFiles(context, files, options.prune === true);
        if (planned === undefined) return exitCodes.usage;
        const { plan, graph, kernel } = planned;
        const names = new Set(graph.roots.map(({ path }) => path));
        const { unsatisfied: all } = await kernel.graph();
        const unsatisfied = all.filter(({ path }) => names.has(path.split("/", 1)[0] ?? ""));
        printPlan(context, plan);
        for (const { path, reason } of unsatisfied) {
          context.print(`${context.colors.red("!")} ${plain(path)}  ${plain(reason)}`);
        }
        const differs = [plan.changes, plan.problems, plan.revoked, unsatisfied].some(
          (each) => each.length > 0,
        );
        context.printJson({ ...plan, unsatisfied, differs });
        return differs ? exitCodes.negative : exitCodes.ok;
      }),
    );
  documented(command, {
    examples: [["cell0 diff graphs/ --prune || echo drifted", "in a script"]],
    exits: ["negative", "refused", "unreachable"],
  });
}
