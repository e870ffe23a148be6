// `cell0 stop|start|restart PATH`
import type { Command } from "commander";
import { documented } from "./documented.ts";
import { exitCodes } from "./exit-codes.ts";
import { nodeOf } from "./locate-node.ts";
import { withProgress } from "./progress.ts";
import { plain } from "./render/text.ts";
import { action } from "./session.ts";

type Verb = "stop" | "start" | "restart";

const DESCRIPTIONS: Readonly<Record<Verb, string>> = {
  stop: "Stop an actor, or a supervisor with all below it, in reverse start order. The cell returns to its manifest: it is started again within a second, unless it is held.",
  start: "Start what was stopped, or what its supervisor gave up on.",
  restart: "Stop and start an actor or a supervisor. Its incarnation number rises.",
};

export const registerStop = (program: Command): void => register(program, "stop");
export const registerStart = (program: Command): void => register(program, "start");
export const registerRestart = (program: Command): void => register(program, "restart");

function register(program: Command, verb: Verb): void {
  const command = program
    .command(verb)
    .description(DESCRIPTIONS[verb])
    .argument("<path>", "path of the actor or supervisor, e.g. support/triage");
  if (verb === "stop") command.option("--hold", "keep it down until `cell0 start`");
  command.action(
    action(async (context, path: string, options: { readonly hold?: boolean }) => {
      const kernel = await context.kernel();
      const node = await nodeOf(kernel, path);
      const hold = options.hold === true;
      const state = await withProgress(context, `${verb} ${path}`, () =>
        kernel.steer(node, verb, path, hold),
      );
      context.print(`${plain(path)}  ${plain(state)}`);
      context.printJson({ path, node, state });
      return exitCodes.ok;
    }),
  );
  documented(command, {
    examples: [[`cell0 ${verb} support/triage`, `${verb} one actor`]],
    exits: ["refused", "unreachable"],
  });
}
