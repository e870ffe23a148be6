// `cell0 rollback [REVISION] [--list]`
import { type Command, InvalidArgumentError } from "commander";
import type { RevisionRow } from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { formatTime } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { printOutcome } from "./plan-flow.ts";
import { withProgress } from "./progress.ts";
import { renderPlan } from "./render/plan.ts";
import { renderTable } from "./render/table.ts";
import { plain } from "./render/text.ts";
import { action } from "./session.ts";

export function registerRollback(program: Command): void {
  const command = program
    .command("rollback")
    .description("Return to an earlier revision. It becomes a new revision, so that this can be undone too.")
    .argument("[revision]", "the revision to return to (default: the one before)", parseRevision)
    .option("--list", "list the revisions that are kept")
    .option("-y, --yes", "do not ask")
    .action(action(rollback));
  documented(command, {
    examples: [
      ["cell0 rollback --list", "which revisions there are"],
      ["cell0 rollback 12", "return to revision 12"],
    ],
    exits: ["negative", "refused", "unreachable", "partial"],
  });
}

async function rollback(
  context: Context,
  revision: number | undefined,
  options: { readonly list?: true; readonly yes?: true },
): Promise<ExitCode> {
  const kernel = await context.kernel();
  if (options.list === true) return printRevisions(context, await kernel.revisions());
  const wanted = revision ?? previousOf(await kernel.revisions());
  await confirm(context, `Return to revision ${wanted}?`, options.yes === true);
  const report = await withProgress(context, "rolling back", () => kernel.rollback(wanted));
  if (report.changes.length > 0) context.print(renderPlan(report, context.colors));
  return printOutcome(context, report);
}

export function printRevisions(context: Context, rows: readonly RevisionRow[]): ExitCode {
  context.print(
    renderTable(
      rows,
      [
        { title: "REVISION", align: "right", value: (row) => `${row.current ? "* " : ""}${row.revision}` },
        { title: "CREATED (UTC)", value: (row) => formatTime(row.createdUnixMs) },
        { title: "AUTHOR", value: (row) => plain(row.author) },
        { title: "ACTORS", align: "right", value: (row) => String(row.actors) },
        {
          title: "RESTORES",
          align: "right",
          value: (row) => (row.rollbackOf > 0 ? String(row.rollbackOf) : ""),
        },
      ],
      context.colors,
    ),
  );
  context.printJson(rows);
  return exitCodes.ok;
}

function previousOf(rows: readonly RevisionRow[]): number {
  const current = rows.find((row) => row.current)?.revision ?? 0;
  const previous = rows.map((row) => row.revision).filter((revision) => revision < current);
  if (previous.length === 0) throw new CellError("CELL_REVISION_UNKNOWN", "there is no earlier revision");
  return Math.max(...previous);
}

function parseRevision(text: string): number {
  const revision = Number(text);
  if (!/^\d{1,15}$/.test(text) || revision < 1)
    throw new InvalidArgumentError("A revision is a number from 1.");
  return revision;
}
