// docs/cli.md, made from the command definitions: what `--help` prints, for all
// commands on one page.
import type { Argument, Command, Option } from "commander";
import { documentationOf, exitRows } from "./documented.ts";
import { exitCodes, exitMeanings } from "./exit-codes.ts";

/** @param program with every command loaded */
export function renderReference(program: Command): string {
  const groups = new Map<string, Command[]>();
  for (const command of program.commands) {
    const group = command.helpGroup().replace(/:$/, "");
    groups.set(group, [...(groups.get(group) ?? []), command]);
  }
  const contents = [...groups].flatMap(([group, commands]) => [
    `**${group}**: ${commands.map((command) => `[${command.name()}](#cell0-${command.name()})`).join(", ")}`,
    "",
  ]);
  const exits = Object.entries(exitCodes).map(
    ([name, code]) => `| ${code} | ${exitMeanings[name as keyof typeof exitCodes]} |`,
  );
  return [
    "# Command line",
    "",
    "Made from the command definitions; do not edit. `cell0 COMMAND --help` prints the same.",
    "",
    ...contents,
    "## Everywhere",
    "",
    'Errors go to standard error as `CODE: what; where; what to do`, with `--json` as `{"error": {...}}`; the codes are in [errors.md](errors.md). With `--json` results are one JSON value a line on standard output.',
    "",
    ...optionTable(program.options),
    "| exit code | meaning |",
    "|---|---|",
    ...exits,
    "",
    ...[...groups.values()].flat().flatMap((command) => section(command, "cell0", 2)),
  ].join("\n");
}

function section(command: Command, parent: string, level: number): readonly string[] {
  const name = `${parent} ${command.name()}`;
  const docs = documentationOf(command);
  const leaf = command.commands.length === 0;
  return [
    `${"#".repeat(level)} ${name}`,
    "",
    command.description(),
    "",
    ...(docs?.notes === undefined ? [] : [docs.notes, ""]),
    ...(leaf ? ["```", `${name} ${usageOf(command)}`.trimEnd(), "```", ""] : []),
    ...argumentTable(command.registeredArguments),
    ...optionTable(command.options),
    ...(docs === undefined || !leaf ? [] : exampleLines(docs.examples)),
    ...(docs === undefined || !leaf
      ? []
      : [
          `Exit codes: ${exitRows(docs.exits)
            .map(([code]) => code)
            .join(", ")}.`,
          "",
        ]),
    ...command.commands.flatMap((each) => section(each, name, level + 1)),
  ];
}

const usageOf = (command: Command): string =>
  command
    .usage()
    .replace("[options]", command.options.length > 0 ? "[options]" : "")
    .replace(/ +/g, " ")
    .trim();

function exampleLines(examples: readonly (readonly [string, string])[]): readonly string[] {
  return ["```sh", ...examples.map(([line, what]) => `# ${what}\n${line}`), "```", ""];
}

function argumentTable(args: readonly Argument[]): readonly string[] {
  const rows = args
    .filter(({ description }) => description !== "")
    .map(
      (each) =>
        `| \`${each.name()}\` | ${cell(each.description)}${each.argChoices === undefined ? "" : `: ${each.argChoices.join(", ")}`} |`,
    );
  return rows.length === 0 ? [] : ["| argument | |", "|---|---|", ...rows, ""];
}

function optionTable(options: readonly Option[]): readonly string[] {
  const rows = options.map((option) => {
    const choices = option.argChoices === undefined ? "" : ` (${option.argChoices.join(", ")})`;
    const fallback = defaultOf(option);
    return `| \`${option.flags}\` | ${cell(option.description)}${choices}${fallback} |`;
  });
  return rows.length === 0 ? [] : ["| option | |", "|---|---|", ...rows, ""];
}

function defaultOf({ defaultValue, defaultValueDescription, negate }: Option): string {
  if (negate || defaultValue === undefined) return "";
  return ` (default: ${defaultValueDescription ?? (Array.isArray(defaultValue) ? defaultValue.join(" ") : String(defaultValue))})`;
}

const cell = (text: string): string => text.replaceAll("|", "\\|");
