// The command line's shape: global options, and the commands, those that are
// not called as a name and a summary only.
import { Command, Option } from "commander";
import { commandTable } from "./commands.ts";
import { parseDuration } from "./duration.ts";
import type { Terminal } from "./terminal.ts";

/** @param loaded decides which commands are loaded whole, with arguments and options */
export async function buildProgram(terminal: Terminal, loaded: (name: string) => boolean): Promise<Command> {
  const program = new Command("cell0");
  program
    .description("Run supervised actors that answer signed intents.")
    .usage("COMMAND [options]")
    .addOption(
      new Option("--data-dir <dir>", "where the cell keeps its state; CELL0_DATA_DIR (default: .cell0)"),
    )
    .addOption(new Option("--nats <url>", "the broker's address; CELL0_NATS (default: the identity's)"))
    .addOption(new Option("--creds <file>", "identity to act as; CELL0_CREDS (default: the operator's)"))
    .addOption(
      new Option("--timeout <duration>", "how long one request may take (default: 5s)").argParser(
        parseDuration,
      ),
    )
    .option("--json", "print JSON, and errors as JSON on standard error")
    .option("--no-color", "print without colours; NO_COLOR does the same")
    .helpCommand("help [command]", "show a command's help")
    .helpOption("-h, --help", "show this help")
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(terminal.columns, 110) })
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      // main() prints errors itself, coded.
      outputError: () => {},
    })
    .showSuggestionAfterError(true)
    .exitOverride();
  for (const entry of commandTable) {
    if (loaded(entry.name)) {
      const register = await entry.load();
      register(program);
    } else {
      program.command(entry.name);
    }
    const command = program.commands.find((each) => each.name() === entry.name);
    command?.helpGroup(entry.group).summary(entry.summary);
    if (command !== undefined && command.description() === "") command.description(entry.summary);
  }
  program.addHelpText(
    "after",
    "\nFirst steps:\n  cell0 init my-cell && cd my-cell && npm install && npx cell0 up graph.yaml\n\nEach command's own options: cell0 COMMAND --help",
  );
  return program;
}
