// `cell0 delete GRAPH...`
import type { Command } from "commander";
import { confirm } from "./confirm.ts";
import { documented } from "./documented.ts";
import { printOutcome } from "./plan-flow.ts";
import { withProgress } from "./progress.ts";
import { renderPlan } from "./render/plan.ts";
import { action } from "./session.ts";

export function registerDelete(program: Command): void {
  const command = program
    .command("delete")
    .description("Stop whole graphs, in reverse start order, and remove them from what the cell runs.")
    .argument("<graphs...>", "names of graphs, as in metadata.name")
    .option("-y, --yes", "do not ask")
    .action(
      action(async (context, names: readonly string[], options: { readonly yes?: true }) => {
        const kernel = await context.kernel();
        await confirm(context, `Stop and remove ${names.join(", ")}?`, options.yes === true);
        const report = await withProgress(context, "removing", () => kernel.remove(names));
        if (report.changes.length > 0) context.print(renderPlan(report, context.colors));
        return printOutcome(context, report);
      }),
    );
  documented(command, {
    examples: [["cell0 delete support --yes", "remove one graph"]],
    exits: ["negative", "refused", "unreachable", "partial"],
  });
}
