// `cell0 get tree|actors|actor|nodes|revisions|principals`
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { registerGetActor } from "./get-actor.ts";
import { registerGetActors } from "./get-actors.ts";
import { registerGetNodes } from "./get-nodes.ts";
import { readForest } from "./locate-node.ts";
import { printPrincipals } from "./principals.ts";
import { plain } from "./render/text.ts";
import { renderTree } from "./render/tree.ts";
import { printRevisions } from "./rollback.ts";
import { action } from "./session.ts";
import { watching, watchOption } from "./watching.ts";

export function registerGet(program: Command): void {
  const get = program.command("get").description("Show what the cell runs and whom it knows.");
  const tree = get
    .command("tree")
    .description(
      "Draw the supervisor tree: state, restarts, mailbox depth and uptime of everything that runs.",
    )
    .addOption(watchOption())
    .action(
      action(async (context, options: { readonly watch?: number | true }) =>
        watching(context, options.watch, () => printTree(context)),
      ),
    );
  documented(tree, {
    examples: [["cell0 get tree --watch", "redraw it every two seconds"]],
    exits: ["refused", "unreachable", "partial"],
  });
  registerGetActors(get);
  registerGetActor(get);
  registerGetNodes(get);
  const revisions = get
    .command("revisions")
    .description("List the revisions that are kept, newest first.")
    .action(action(async (context) => printRevisions(context, await (await context.kernel()).revisions())));
  documented(revisions, {
    examples: [["cell0 get revisions", "who applied what, when"]],
    exits: ["refused", "unreachable"],
  });
  const principals = get
    .command("principals")
    .description("List issuers, nodes and clients that the cell knows, with their keys and validity.")
    .action(action((context) => printPrincipals(context)));
  documented(principals, {
    examples: [["cell0 get principals --json", "as JSON"]],
    exits: ["refused", "unreachable"],
  });
  documented(get, {
    examples: [["cell0 get tree", "everything at a glance"]],
    exits: ["refused", "unreachable"],
  });
}

async function printTree(context: Context): Promise<ExitCode> {
  const { trees, missing } = await readForest(await context.kernel());
  context.print(renderTree(trees, context.terminal.now(), context.colors));
  for (const { node, reason } of missing) {
    context.note(context.errorColors.red(`node ${plain(node)}: ${plain(reason)}`));
  }
  context.printJson({ trees, missing });
  return missing.length > 0 ? exitCodes.partial : exitCodes.ok;
}
