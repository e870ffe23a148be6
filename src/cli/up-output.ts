// What `cell0 up` shows: what was made, each process as it comes up, dies and
// comes back, and at the end what runs, where, and what to try next.
import { relative } from "node:path";
import type { NodeStatus, TreeNode } from "../actors/kernel/reports.ts";
import type { PreparedNode } from "../runtime/prepare-node.ts";
import type { CradleEvent } from "../supervisor/cradle/cradle.ts";
import type { Context } from "./context.ts";
import { shellWord } from "./render/shell-word.ts";
import { plain } from "./render/text.ts";
import { renderTree } from "./render/tree.ts";

/** What the node process says when it is up. */
export type Arrival = { readonly status: NodeStatus; readonly tree: TreeNode };

/** The command line as it can be typed here: through npx where npm runs it, on this data directory. */
function commandHere({ terminal, dir }: Context): string {
  const name = terminal.env.npm_execpath === undefined ? "cell0" : "npx cell0";
  const path = relative(terminal.cwd, dir.root);
  if (path === ".cell0") return name;
  return `${name} --data-dir ${shellWord(path.startsWith("..") ? dir.root : path)}`;
}

export function printMade(context: Context, { made, config }: PreparedNode): void {
  const { colors, dir } = context;
  if (made === "nothing") return;
  if (made === "node") {
    context.print(`${colors.green("✓")} node ${config.node} of cell ${config.cell} made in ${dir.root}`);
    return;
  }
  context.print(`${colors.green("✓")} cell ${colors.bold(config.cell)} made in ${dir.root}`);
  context.print(
    `  Its genesis key lies in ${dir.genesisKey}. Take it offline: ${commandHere(context)} keys genesis --export FILE`,
  );
}

export function printEvent(context: Context, event: CradleEvent): void {
  const { colors } = context;
  switch (event.kind) {
    case "ready":
      context.print(`${colors.green("✓")} ${event.name} ${colors.dim(`${Math.round(event.elapsedMs)} ms`)}`);
      return;
    case "died": {
      const { code, signal, reason } = event.exit;
      const why = reason ?? signal ?? `exit code ${code}`;
      context.print(
        `${colors.yellow("!")} ${event.name} died (${why}); started again in ${event.restartInMs} ms`,
      );
      return;
    }
    case "gaveUp":
      context.print(`${colors.red("✗")} ${event.name} does not stay up; its log: ${event.log}`);
      return;
    case "message":
      printFailure(context, event);
      return;
    case "starting":
      return;
  }
}

/** The node says why it could not start, before it ends. */
function printFailure(
  context: Context,
  { name, message }: { readonly name: string; readonly message: unknown },
): void {
  if (typeof message !== "object" || message === null || !("error" in message)) return;
  const { error } = message;
  if (typeof error !== "object" || error === null || !("message" in error)) return;
  const code = "code" in error ? `${String(error.code)}: ` : "";
  context.print(`${context.colors.red("✗")} ${name}: ${plain(code + String(error.message))}`);
}

export function printArrival(
  context: Context,
  { config }: PreparedNode,
  { status, tree }: Arrival,
  elapsedMs: number,
): void {
  const { colors, dir } = context;
  context.printJson({
    up: true,
    cell: config.cell,
    node: config.node,
    broker: config.broker.url,
    status,
    tree,
    elapsedMs,
  });
  context.print("");
  context.print(renderTree(tree.children ?? [tree], Date.now(), colors));
  context.print("");
  context.print(
    `${colors.green("✓")} cell ${colors.bold(config.cell)}, node ${config.node}, answers after ${Math.round(elapsedMs)} ms`,
  );
  context.print(`  broker  ${config.broker.url}`);
  context.print(`  data    ${dir.root}`);
  const command = commandHere(context);
  if (config.broker.embedded) {
    context.print(`  try     ${command} get tree`);
    context.print(`          ${command} ${exampleOf(tree)}`);
    context.print(`          ${command} watch`);
  } else {
    context.print("  try     cell0 get tree   (where the cell was made: the operator's identity is there)");
  }
  context.print(`  stop    Ctrl-C, or ${command} down`);
}

/** A command that does something with what runs. */
function exampleOf(tree: TreeNode): string {
  const paths = actorPaths(tree).filter((path) => !path.startsWith("kernel/"));
  const [first] = paths;
  if (first === undefined) return "apply FILE   (a manifest; `init DIR` makes one)";
  if (first === "hello/greeter") return `send hello/greeter greet '{"name":"Ada"}'`;
  return `get actor ${first}`;
}

const actorPaths = (node: TreeNode): readonly string[] =>
  node.kind === "actor" ? [node.path] : (node.children ?? []).flatMap(actorPaths);
