// `cell0 get nodes`: the nodes by their certificates, with what each says of itself.
import type { Command } from "commander";
import type { NodeRow, NodeStatus } from "../actors/kernel/reports.ts";
import { documented } from "./documented.ts";
import { formatBytes, formatUptime } from "./duration.ts";
import { exitCodes } from "./exit-codes.ts";
import { renderTable } from "./render/table.ts";
import { plain } from "./render/text.ts";
import { action } from "./session.ts";

/** States of the links in which work is accepted. */
export const WELL: ReadonlySet<string> = new Set(["ready", "connected", "serving", "up"]);

type Row = NodeRow & { readonly status: NodeStatus | undefined };

export function registerGetNodes(get: Command): void {
  const command = get
    .command("nodes")
    .description("List the cell's nodes: shards, version, links to broker and core, revision, memory.")
    .action(
      action(async (context) => {
        const kernel = await context.kernel();
        const rows = await Promise.all(
          (await kernel.nodes()).map(async (row): Promise<Row> => {
            const status = row.answers ? await kernel.status(row.node).catch(() => undefined) : undefined;
            return { ...row, status };
          }),
        );
        const { colors, terminal } = context;
        const good = (state: string) => (WELL.has(state) ? colors.green(state) : colors.red(plain(state)));
        context.print(
          renderTable(
            rows,
            [
              { title: "NODE", value: ({ node }) => plain(node) },
              {
                title: "ANSWERS",
                value: ({ answers }) => (answers ? colors.green("yes") : colors.red("no")),
              },
              { title: "SHARDS", value: ({ shards }) => shards.map(formatShards).join(",") || "-" },
              { title: "VERSION", value: ({ status }) => plain(status?.version ?? "-") },
              { title: "BROKER", value: ({ status }) => good(status?.broker.state ?? "-") },
              { title: "SYNC", value: ({ status }) => plain(status?.broker.sync ?? "-") },
              { title: "CORE", value: ({ status }) => good(status?.core.state ?? "-") },
              { title: "REVISION", align: "right", value: ({ status }) => String(status?.revision ?? "-") },
              { title: "ACTORS", align: "right", value: ({ status }) => String(status?.actors ?? "-") },
              {
                title: "MEMORY",
                align: "right",
                value: ({ status }) => (status === undefined ? "-" : formatBytes(status.residentBytes)),
              },
              {
                title: "UPTIME",
                align: "right",
                value: ({ status }) =>
                  status === undefined ? "-" : formatUptime(terminal.now() - status.startedAtUnixMs),
              },
            ],
            colors,
          ),
        );
        context.printJson(rows);
        return rows.some(({ answers }) => !answers) ? exitCodes.partial : exitCodes.ok;
      }),
    );
  documented(command, {
    examples: [["cell0 get nodes", "who is there, and how it fares"]],
    exits: ["refused", "unreachable", "partial"],
  });
}

const formatShards = ({ first, last }: { readonly first: number; readonly last: number }): string =>
  first === last ? String(first) : `${first}-${last}`;
