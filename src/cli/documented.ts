// What every command's help holds beside its options: examples and exit codes.
// docs/cli.md is made from the same.
import type { Command } from "commander";
import { type ExitName, exitCodes, exitMeanings } from "./exit-codes.ts";

export type Documentation = {
  /** A command line, and what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** Exit codes that it can end with, beside ok, usage and interrupted. */
  readonly exits: readonly ExitName[];
  /** A few sentences below the summary. */
  readonly notes?: string;
};

const documentation = new WeakMap<Command, Documentation>();

export const documentationOf = (command: Command): Documentation | undefined => documentation.get(command);

/** The exit codes that a command with these can end with, in order. */
export function exitRows(exits: readonly ExitName[]): readonly (readonly [number, string])[] {
  const names = new Set<ExitName>(["ok", "usage", "interrupted", ...exits]);
  return [...names]
    .map((name) => [exitCodes[name], exitMeanings[name]] as const)
    .sort(([left], [right]) => left - right);
}

/** Adds the sections `Examples` and `Exit codes` to the command's help. */
export function documented(command: Command, docs: Documentation): Command {
  documentation.set(command, docs);
  const width = Math.max(...docs.examples.map(([line]) => line.length));
  const examples = docs.examples.map(([line, what]) =>
    width > 48 ? `  # ${what}\n  ${line}` : `  ${line.padEnd(width)}  # ${what}`,
  );
  const exits = exitRows(docs.exits).map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`);
  const notes = docs.notes === undefined ? "" : `\n${docs.notes}\n`;
  command.addHelpText(
    "after",
    `${notes}\n${docs.examples.length > 1 ? "Examples" : "Example"}:\n${examples.join("\n")}\n\nExit codes:\n${exits.join("\n")}`,
  );
  return command;
}
