// `cell0 stop|start|restart PATH`
import type { Command } from "commander";
import { parentPath } from "../manifest/graph-walk.ts";
import { documented } from "./documented.ts";
import { exitCodes } from "./exit-codes.ts";
import { nodeOf } from "./locate-node.ts";
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

type Options = { readonly hold?: boolean; readonly input?: string };

const NEW_CHILD = [
  "cell0 start support/desks/first --input '{\"limit\": 3}'",
  "start a child from a template",
] as const;

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

export const registerStop = (program: Command): void => register(program, "stop");
export const registerStart = (program: Command): void => register(program, "start");
export const registerRestart = (program: Command): void => register(program, "restart");

function register(program: Command, verb: Verb): void {
  const command = program
    .command(verb)
    .description(DESCRIPTIONS[verb])
    .argument("<path>", "path of the actor or supervisor, e.g. support/triage");
  if (verb === "stop") command.option("--hold", "keep it down until `cell0 start`");
  if (verb === "start")
    command.option(
      "--input <json>",
      "start a new child with this input, - for standard input; null: with its template's",
    );
  command.action(
    action(async (context, path: string, { hold = false, input }: Options) => {
      const kernel = await context.kernel();
      const isNew = input !== undefined;
      const node = await nodeOf(kernel, isNew ? parentPath(path) : path);
      const given = isNew ? await readPayload(context, input, undefined) : undefined;
      const state = await withProgress(context, `${verb} ${path}`, () =>
        isNew
          ? kernel.startChild(node, parentPath(path), nameOf(path), given)
          : kernel.steer(node, verb, path, hold),
      );
      context.print(`${plain(path)}  ${plain(state)}`);
      context.printJson({ path, node, state });
      return exitCodes.ok;
    }),
  );
  documented(command, {
    examples: [
      [`cell0 ${verb} support/triage`, `${verb} one actor`],
      ...(verb === "start" ? [NEW_CHILD] : []),
    ],
    exits: ["refused", "unreachable"],
  });
}
