// Entry of the command line: parses, runs one command, prints what went wrong
// as `CODE: what; where; what to do`, and returns the exit code. It never ends
// the process itself.
import { CommanderError } from "commander";
import { CellError } from "../errors/cell-error.ts";
import type { OpenCell } from "./cell-port.ts";
import { errorToJson, formatError, toCellError } from "./error-output.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { buildProgram } from "./program.ts";
import { closeSession, openSession, type Session } from "./session.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

/** @param argv arguments without the program's own name */
export async function main(
  argv: readonly string[],
  terminal: Terminal = processTerminal(),
  openCell?: OpenCell,
): Promise<number> {
  const program = await buildProgram(terminal, (name) => argv.includes(name));
  const session = openSession(program, terminal, () => buildProgram(terminal, () => true), openCell);
  const json = argv.includes("--json");
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return exitCodes.ok;
    }
    const version = argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V");
    if (version) return await main(["version"], terminal);
    await program.parseAsync([...argv], { from: "user" });
    return session.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCodes.ok;
    return report(session, thrown, json);
  } finally {
    await closeSession(session);
  }
}

function report(session: Session, thrown: unknown, json: boolean): number {
  const { terminal } = session;
  const error = describe(session, thrown);
  terminal.err(`${json ? JSON.stringify({ error: errorToJson(error) }) : formatError(error)}\n`);
  const debug = terminal.env.CELL0_DEBUG;
  if (debug !== undefined && debug !== "" && !json) {
    for (let at: unknown = error; at instanceof Error; at = at.cause)
      terminal.err(`${at.stack ?? at.message}\n`);
  }
  return exitCodeOf(error);
}

function describe(session: Session, thrown: unknown): CellError {
  if (session.interrupt.signal.aborted) return new CellError("CLI_INTERRUPTED", undefined, { cause: thrown });
  return thrown instanceof CommanderError ? usageError(thrown) : toCellError(thrown);
}

/** Commander's `error: ...` with its suggestion, as one of our own. */
function usageError(thrown: CommanderError): CellError {
  if (thrown.code === "commander.help") {
    return new CellError("CLI_USAGE", "a subcommand is missing", {
      remedy: "choose one of those listed above",
    });
  }
  const [head = "", ...rest] = thrown.message.replace(/^error: /, "").split("\n");
  const hint = /^\(Did you mean (.*)\?\)$/.exec(rest.join(" ").trim())?.[1];
  return new CellError("CLI_USAGE", head.replace(/\.$/, ""), {
    ...(hint === undefined ? {} : { remedy: `did you mean ${hint}?` }),
  });
}
