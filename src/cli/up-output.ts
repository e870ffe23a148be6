// What `cell0 up` shows: what was made, each process as it comes up, dies and
// comes back, and at the end what runs, where, and what to try next.
import { relative } from "node:path";
import type { NodeStatus, TreeNode } from "../actors/kernel/reports.ts";
import type { PreparedNode } from "../runtime/prepare-node.ts";
import type { CradleEvent } from "../supervisor/cradle/cradle.ts";
import { describeExit } from "../supervisor/cradle/describe-exit.ts";
import type { Context } from "./context.ts";
import { shellWord } from "./render/shell-word.ts";
import { plain } from "./render/text.ts";
import { renderTree } from "./render/tree.ts";

/** Of the stack of a process that was stuck; the event has all of it. */
const STACK_LINES = 5;

/** What the node process says when it is up. */
/** Of many thousands of actors there is no tree. */
export type Arrival = { readonly status: NodeStatus; readonly tree?: TreeNode };

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
      printReady(context, event);
      return;
    case "died":
      printDeath(context, event);
      return;
    case "gaveUp":
      printGaveUp(context, event);
      return;
    case "message":
      printFailure(context, event);
      return;
    case "spare":
      if (event.state !== "standby") return;
      context.print(colors.dim(`  a second ${event.name} stands by`));
      context.printJson({ standsBy: event.name, pid: event.pid });
      return;
    case "starting":
      return;
  }
}

type Of<K extends CradleEvent["kind"]> = Extract<CradleEvent, { readonly kind: K }>;

function printReady(context: Context, { name, elapsedMs, recovery }: Of<"ready">): void {
  const { colors } = context;
  if (recovery === undefined) {
    context.print(`${colors.green("✓")} ${name} ${colors.dim(`${Math.round(elapsedMs)} ms`)}`);
    return;
  }
  const by = recovery.by === "spare" ? "the one that stood by took over" : "started anew";
  const took = `${Math.round(recovery.downMs)} ms`;
  context.print(
    `${colors.green("✓")} ${name} is back after ${took} ${colors.dim(`(layer 4, process; ${by})`)}`,
  );
  context.printJson({ recovered: name, ...recovery, cause: describeExit(recovery.exit) });
}

function printDeath(context: Context, { name, exit, restartInMs }: Of<"died">): void {
  const { colors } = context;
  const { inHand, stuck } = exit;
  const wait = restartInMs === 0 ? "" : `; again in ${restartInMs} ms`;
  context.print(`${colors.yellow("!")} ${name} died: ${describeExit(exit)}${wait}`);
  if (inHand !== undefined) {
    const intent = inHand.intent === "" ? "an event of its own" : `intent ${inHand.intent}`;
    context.print(colors.dim(`  in hand: ${plain(inHand.actor)}, ${plain(intent)}`));
  }
  for (const line of stuck?.stack?.split("\n").slice(0, STACK_LINES) ?? [])
    context.print(colors.dim(`  ${plain(line)}`));
}

function printGaveUp(context: Context, { name, exit, log, limit }: Of<"gaveUp">): void {
  const { colors } = context;
  const often =
    limit === undefined
      ? "is not started again after this, "
      : `ended ${limit.restarts + 1} times in ${limit.periodMs / 1000} s, `;
  context.print(
    `${colors.red("✗")} ${name} does not stay up: ${often}` +
      `the last time by ${describeExit(exit)}. Everything is stopped; its log: ${log}`,
  );
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
  { config, websocketUrl }: PreparedNode,
  { status, tree }: Arrival,
  elapsedMs: number,
): void {
  const { colors, dir } = context;
  context.printJson({
    up: true,
    cell: config.cell,
    node: config.node,
    broker: config.broker.url,
    ...(websocketUrl === undefined ? {} : { websocket: websocketUrl }),
    status,
    ...(tree === undefined ? {} : { tree }),
    elapsedMs,
  });
  context.print("");
  if (tree === undefined) context.print(`${status.actors} actors run.`);
  else context.print(renderTree(tree.children ?? [tree], Date.now(), colors));
  context.print("");
  context.print(
    `${colors.green("✓")} cell ${colors.bold(config.cell)}, node ${config.node}, answers after ${Math.round(elapsedMs)} ms`,
  );
  context.print(`  broker  ${config.broker.url}`);
  if (websocketUrl !== undefined) context.print(`          ${websocketUrl}, for browsers`);
  context.print(`  data    ${dir.root}`);
  const command = commandHere(context);
  if (config.broker.embedded) {
    context.print(`  try     ${command} get tree`);
    if (tree !== undefined) context.print(`          ${command} ${exampleOf(tree)}`);
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
