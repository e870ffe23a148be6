// `cell0 completion bash|zsh|fish`: static scripts made from the command
// definitions, so that a Tab starts no process.
import { Argument, type Command } from "commander";
import { completionTree, renderBash, renderFish, renderZsh } from "./completion-scripts.ts";
import { documented } from "./documented.ts";
import { exitCodes } from "./exit-codes.ts";
import { action } from "./session.ts";

type Shell = "bash" | "zsh" | "fish";
const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

export function registerCompletion(program: Command): void {
  const command = program
    .command("completion")
    .description("Print a script that completes commands and options on Tab.")
    .addArgument(new Argument("<shell>", "your shell").choices(SHELLS))
    .action(
      action(async (context, shell: Shell) => {
        const tree = completionTree(await context.wholeProgram());
        const script = { bash: renderBash, zsh: renderZsh, fish: renderFish }[shell](tree);
        context.terminal.out(script);
        return exitCodes.ok;
      }),
    );
  documented(command, {
    examples: [
      ["source <(cell0 completion bash)", "bash, in ~/.bashrc"],
      ["source <(cell0 completion zsh)", "zsh, in ~/.zshrc"],
      ["cell0 completion fish > ~/.config/fish/completions/cell0.fish", "fish"],
    ],
    exits: [],
  });
}
