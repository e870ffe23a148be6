// The supervisor tree, drawn with box characters and aligned columns.
import type { TreeNode } from "../../actors/kernel/reports.ts";
import type { Colors } from "../context.ts";
import { formatUptime } from "../duration.ts";
import { alignRows } from "./table.ts";
import { plain } from "./text.ts";

export function renderTree(roots: readonly TreeNode[], nowUnixMs: number, colors: Colors): string {
  const rows: string[][] = [];
  for (const root of roots) addRows(rows, root, "", "", undefined, nowUnixMs, colors);
  return alignRows(rows, ["left", "left", "left", "left", "left", "left", "left"]).join("\n");
}

function addRows(
  rows: string[][],
  node: TreeNode,
  head: string,
  indent: string,
  parent: string | undefined,
  nowUnixMs: number,
  colors: Colors,
): void {
  const name =
    parent !== undefined && node.path.startsWith(`${parent}/`)
      ? node.path.slice(parent.length + 1)
      : node.path;
  const label = node.kind === "supervisor" ? colors.bold(plain(name)) : plain(name);
  rows.push([`${colors.dim(head)}${label}`, ...columnsOf(node, nowUnixMs, colors)]);
  const children = node.children ?? [];
  for (const [at, child] of children.entries()) {
    const last = at === children.length - 1;
    const branch = `${indent}${last ? "└─ " : "├─ "}`;
    addRows(rows, child, branch, `${indent}${last ? "   " : "│  "}`, node.path, nowUnixMs, colors);
  }
}

/** Status, machine state, restarts, mailbox, uptime, reason. */
function columnsOf(node: TreeNode, nowUnixMs: number, colors: Colors): string[] {
  return [
    renderStatus(node.status, colors),
    plain(node.state ?? ""),
    node.restarts === 0 ? colors.dim("0 restarts") : colors.yellow(restarts(node.restarts)),
    mailbox(node),
    node.startedAtUnixMs === undefined || node.status !== "running"
      ? ""
      : `up ${formatUptime(nowUnixMs - node.startedAtUnixMs)}`,
    node.reason === undefined ? "" : colors.red(plain(node.reason)),
  ];
}

const restarts = (count: number) => (count === 1 ? "1 restart" : `${count} restarts`);

function mailbox(node: TreeNode): string {
  if (node.mailboxDepth === undefined) return "";
  return `mailbox ${node.mailboxDepth}${node.mailboxBound === undefined ? "" : `/${node.mailboxBound}`}`;
}

export function renderStatus(status: string, colors: Colors): string {
  const text = plain(status);
  if (status === "running") return colors.green(text);
  if (status === "starting" || status === "backing-off" || status === "stopping") return colors.yellow(text);
  if (status === "stopped") return colors.dim(text);
  return colors.red(text);
}

/** Every node of the trees, parents first. */
export function flatten(roots: readonly TreeNode[]): readonly TreeNode[] {
  return roots.flatMap((root) => [root, ...flatten(root.children ?? [])]);
}
