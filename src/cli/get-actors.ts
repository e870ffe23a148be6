// `cell0 get actors`: a flat table, filtered and sorted.
import { type Command, Option } from "commander";
import type { TreeNode } from "../actors/kernel/reports.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { formatUptime } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { readForest } from "./locate-node.ts";
import { type Column, renderTable } from "./render/table.ts";
import { plain } from "./render/text.ts";
import { flatten, renderStatus } from "./render/tree.ts";
import { action } from "./session.ts";
import { watching, watchOption } from "./watching.ts";

const SORT_KEYS = ["path", "state", "restarts", "mailbox", "uptime", "handled", "refused"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export type ActorFilter = { readonly state?: string; readonly graph?: string; readonly sort?: SortKey };

export function registerGetActors(get: Command): void {
  const command = get
    .command("actors")
    .description("List actors with state, restarts, mailbox depth, counts and uptime.")
    .option(
      "--state <state>",
      "only those with this status or machine state, e.g. running, backing-off, idle",
    )
    .option("--graph <name>", "only those of one graph; `kernel` for the node's own")
    .addOption(
      new Option("--sort <column>", "column to sort by; all but path and state descend")
        .choices(SORT_KEYS)
        .default("path"),
    )
    .addOption(watchOption())
    .action(
      action(async (context, options: ActorFilter & { readonly watch?: number | true }) =>
        watching(context, options.watch, () => printActors(context, options)),
      ),
    );
  documented(command, {
    examples: [
      ["cell0 get actors --graph support --sort mailbox", "the fullest mailboxes first"],
      ["cell0 get actors --state backing-off", "what is waiting for its restart"],
    ],
    exits: ["refused", "unreachable", "partial"],
  });
}

async function printActors(context: Context, filter: ActorFilter): Promise<ExitCode> {
  const { trees, missing } = await readForest(await context.kernel());
  const actors = selectActors(trees, filter);
  context.print(renderTable(actors, columns(context), context.colors));
  for (const { node, reason } of missing) context.note(`node ${plain(node)}: ${plain(reason)}`);
  context.printJson({ actors, missing });
  return missing.length > 0 ? exitCodes.partial : exitCodes.ok;
}

/** Actors of the trees that pass the filter, sorted; ties by path. */
export function selectActors(trees: readonly TreeNode[], filter: ActorFilter): readonly TreeNode[] {
  const { state, graph, sort = "path" } = filter;
  return flatten(trees)
    .filter(({ kind }) => kind === "actor")
    .filter((actor) => state === undefined || actor.status === state || actor.state === state)
    .filter(({ path }) => graph === undefined || path === graph || path.startsWith(`${graph}/`))
    .sort((left, right) => compare(left, right, sort) || (left.path < right.path ? -1 : 1));
}

function compare(left: TreeNode, right: TreeNode, key: SortKey): number {
  if (key === "path") return 0;
  if (key === "state") return left.status === right.status ? 0 : left.status < right.status ? -1 : 1;
  return measure(right, key) - measure(left, key);
}

function measure(actor: TreeNode, key: Exclude<SortKey, "path" | "state">): number {
  switch (key) {
    case "restarts":
      return actor.restarts;
    case "mailbox":
      return actor.mailboxDepth ?? 0;
    case "uptime":
      return -(actor.startedAtUnixMs ?? Number.MAX_SAFE_INTEGER);
    case "handled":
      return actor.handled ?? 0;
    case "refused":
      return actor.refused ?? 0;
  }
}

function columns({ colors, terminal }: Context): readonly Column<TreeNode>[] {
  const number = (value: number | undefined) => (value === undefined ? "-" : String(value));
  return [
    { title: "PATH", value: ({ path }) => plain(path) },
    { title: "STATUS", value: ({ status }) => renderStatus(status, colors) },
    { title: "STATE", value: ({ state }) => plain(state || "-") },
    {
      title: "DURABLE",
      value: ({ durable }) => (durable === undefined || durable === "no" ? "-" : plain(durable)),
    },
    { title: "RESTARTS", align: "right", value: ({ restarts }) => String(restarts) },
    {
      title: "MAILBOX",
      align: "right",
      value: ({ mailboxDepth, mailboxBound }) => `${number(mailboxDepth)}/${number(mailboxBound)}`,
    },
    { title: "HANDLED", align: "right", value: ({ handled }) => number(handled) },
    { title: "REFUSED", align: "right", value: ({ refused }) => number(refused) },
    {
      title: "UPTIME",
      align: "right",
      value: ({ startedAtUnixMs, status }) =>
        startedAtUnixMs === undefined || status !== "running"
          ? "-"
          : formatUptime(terminal.now() - startedAtUnixMs),
    },
    { title: "NODE", value: ({ node }) => plain(node) },
    { title: "", value: ({ reason }) => (reason === undefined ? "" : colors.red(plain(reason))) },
  ];
}
