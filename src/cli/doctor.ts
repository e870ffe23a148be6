// `cell0 doctor`
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { cellChecks } from "./doctor-cell.ts";
import { type CheckGroup, renderGroups } from "./doctor-check.ts";
import { directoryChecks } from "./doctor-directory.ts";
import { isolationChecks } from "./doctor-isolation.ts";
import { machineChecks } from "./doctor-machine.ts";
import { documented } from "./documented.ts";
import { exitCodes } from "./exit-codes.ts";
import { withProgress } from "./progress.ts";
import { action } from "./session.ts";

export function registerDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .description(
      "Check this machine, the data directory and the running cell; say how to mend each point that fails, and exit with 1 then. Works before there is a cell.",
    )
    .action(
      action(async (context) => {
        const groups: CheckGroup[] = [];
        await withProgress(context, "looking", async () => {
          groups.push({ title: "This machine", checks: await machineChecks(context) });
          groups.push({ title: "Isolation of actors in processes", checks: await isolationChecks() });
          if (existsSync(context.dir.cell)) {
            groups.push({
              title: `The directory ${context.dir.root}`,
              checks: await directoryChecks(context),
            });
            groups.push({ title: "The cell", checks: await cellChecks(context) });
          } else if (existsSync(context.dir.root)) {
            const where = new CellError("CELL_NOT_FOUND", "the directory holds no cell.json");
            groups.push({
              title: `The directory ${context.dir.root}`,
              checks: [{ name: "cell", state: "note", what: where.message, remedy: where.remedy }],
            });
          } else {
            const what = `none at ${context.dir.root} yet; \`cell0 up\` makes one`;
            groups.push({ title: "The cell", checks: [{ name: "cell", state: "note", what }] });
          }
        });
        const failed = groups.some(({ checks }) => checks.some(({ state }) => state === "failed"));
        context.print(renderGroups(groups, context.colors));
        context.printJson({ healthy: !failed, groups });
        return failed ? exitCodes.negative : exitCodes.ok;
      }),
    );
  documented(command, {
    examples: [
      [
        "cell0 doctor --json | jq '.groups[].checks[] | select(.state==\"failed\")'",
        "what fails, in a script",
      ],
    ],
    exits: ["negative"],
  });
}
