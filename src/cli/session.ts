// One run of the command line: its terminal, its exit code, and what must be
// closed at its end. Commands are handed a Context made from it.
import type { Command } from "commander";
import { CellError } from "../errors/cell-error.ts";
import type { OpenCell } from "./cell-port.ts";
import { type Context, createContext, type GlobalOptions } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

export type Session = {
  readonly terminal: Terminal;
  exitCode: ExitCode;
  /** Aborted by Ctrl-C once a command has asked for its context's signal. */
  readonly interrupt: AbortController;
  readonly closing: (() => Promise<void> | void)[];
  /** Stands in for the client library in tests. */
  readonly openCell: OpenCell | undefined;
  /** The program with every command loaded whole. */
  readonly wholeProgram: () => Promise<Command>;
};

const sessions = new WeakMap<Command, Session>();

export function openSession(
  program: Command,
  terminal: Terminal,
  wholeProgram: () => Promise<Command>,
  openCell?: OpenCell,
): Session {
  const session: Session = {
    terminal,
    exitCode: exitCodes.ok,
    interrupt: new AbortController(),
    closing: [],
    openCell,
    wholeProgram,
  };
  sessions.set(program, session);
  return session;
}

/** Closes in reverse order; one failing close does not keep the others open. */
export async function closeSession(session: Session): Promise<void> {
  for (const close of session.closing.splice(0).reverse()) {
    try {
      await close();
    } catch {
      // Whatever it was, the command has its result by now.
    }
  }
}

/** Wraps a command's work for commander: finds the run that it belongs to and keeps its exit code. */
export function action<A extends readonly unknown[]>(
  handler: (context: Context, ...args: A) => Promise<ExitCode>,
): (this: Command, ...args: A) => Promise<void> {
  return async function run(this: Command, ...args: A): Promise<void> {
    const session = sessionOf(this);
    const context = createContext(session, this.optsWithGlobals<GlobalOptions>());
    session.exitCode = await handler(context, ...args);
  };
}

function sessionOf(command: Command): Session {
  let root = command;
  while (root.parent !== null) root = root.parent;
  const session = sessions.get(root);
  if (session === undefined) throw new CellError("CLI_INTERNAL", "a command ran outside of main()");
  return session;
}
