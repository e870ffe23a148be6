// `cell0 stop|start|restart PATH`
import type { Command } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { parentPath } from "../manifest/graph-walk.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { formatLatency } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { answeringNodes, nodeOf } from "./locate-node.ts";
import { readPayload } from "./payload-input.ts";
import { withProgress } from "./progress.ts";
import { plain } from "./render/text.ts";
import { action } from "./session.ts";

type Verb = "stop" | "start" | "restart";

const DESCRIPTIONS: Readonly<Record<Verb, string>> = {
  stop: "Stop an actor, or a supervisor with all below it, in reverse start order. The cell returns to its manifest: it is started again within a second, unless it is held.",
  start:
    "Start what was stopped, is parked, or what its supervisor gave up on. With --input: a new child of a supervisor with the strategy simple_one_for_one, from its template.",
  restart: "Stop and start an actor or a supervisor. Its incarnation number rises.",
};

type Options = {
  readonly hold?: boolean;
  readonly input?: string;
  readonly kernel?: boolean;
  readonly fresh?: boolean;
  readonly node?: string;
};

const NEW_CHILD = [
  "cell0 start support/desks/first --input '{\"limit\": 3}'",
  "start a child from a template",
] as const;

const WHOLE_NODE = ["cell0 restart --kernel", "all actors of a node; intents wait meanwhile"] as const;

const FRESH = ["cell0 restart books/till --fresh", "forget its state, e.g. when it is damaged"] as const;

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

export const registerStop = (program: Command): void => register(program, "stop");
export const registerStart = (program: Command): void => register(program, "start");
export const registerRestart = (program: Command): void => register(program, "restart");

function register(program: Command, verb: Verb): void {
  const command = program.command(verb).description(DESCRIPTIONS[verb]);
  if (verb === "restart") {
    command
      .argument("[path]", "path of the actor or supervisor, e.g. support/triage")
      .option(
        "--fresh",
        "it forgets what it was and begins anew, a durable actor too when it is named itself; there is no way back",
      )
      .option("--kernel", "build the whole actor system of a node anew, inside its process")
      .option("--node <name>", "which node's kernel (default: the one that owns shard 0)");
  } else command.argument("<path>", "path of the actor or supervisor, e.g. support/triage");
  if (verb === "stop") command.option("--hold", "keep it down until `cell0 start`");
  if (verb === "start")
    command.option(
      "--input <json>",
      "start a new child with this input, - for standard input; null: with its template's",
    );
  command.action(
    action((context, path: string | undefined, options: Options) => {
      if (options.kernel === true && path === undefined && options.fresh !== true)
        return rebuild(context, options.node);
      if (path !== undefined && options.kernel !== true) return steer(context, verb, path, options);
      throw new CellError("CLI_USAGE", "`restart` takes a path, perhaps with --fresh, or --kernel", {
        remedy: "give one of them",
      });
    }),
  );
  documented(command, {
    examples: [
      [`cell0 ${verb} support/triage`, `${verb} one actor`],
      ...(verb === "start" ? [NEW_CHILD] : []),
      ...(verb === "restart" ? [FRESH, WHOLE_NODE] : []),
    ],
    exits: ["refused", "unreachable"],
  });
}

async function steer(context: Context, verb: Verb, path: string, options: Options): Promise<ExitCode> {
  const { hold = false, fresh = false, input } = options;
  const kernel = await context.kernel();
  const isNew = input !== undefined;
  const node = await nodeOf(kernel, isNew ? parentPath(path) : path);
  const given = isNew ? await readPayload(context, input, undefined) : undefined;
  const state = await withProgress(context, `${verb} ${path}`, () =>
    isNew
      ? kernel.startChild(node, parentPath(path), nameOf(path), given)
      : kernel.steer(node, verb, path, { hold, fresh }),
  );
  context.print(`${plain(path)}  ${plain(state)}`);
  if (verb === "stop" && !hold) {
    const what = "It is started again within a second, as the manifest says; `--hold` keeps it down.";
    context.note(context.errorColors.dim(what));
  }
  context.printJson({ path, node, state });
  return exitCodes.ok;
}

async function rebuild(context: Context, named: string | undefined): Promise<ExitCode> {
  const kernel = await context.kernel();
  const node = named ?? (await answeringNodes(kernel))[0] ?? "";
  const startedAt = performance.now();
  await withProgress(context, `restart the kernel of ${node}`, () => kernel.rebuild(node));
  const elapsedMs = performance.now() - startedAt;
  context.print(`kernel of ${plain(node)}  answers again after ${formatLatency(elapsedMs)}`);
  context.printJson({ kernel: node, elapsedMs });
  return exitCodes.ok;
}
