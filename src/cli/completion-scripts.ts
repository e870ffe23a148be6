// Completion scripts from a commander program. Where nothing of its own fits,
// each falls back to file names.
import type { Command, Option } from "commander";

export type CompletionNode = {
  /** Words from the root, empty for the root itself. */
  readonly path: readonly string[];
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly {
    readonly long: string;
    readonly description: string;
    readonly choices: readonly string[];
    readonly takesValue: boolean;
  }[];
  /** Choices of the first argument. */
  readonly choices: readonly string[];
};

/** Every command of the program, parents first. */
export function completionTree(program: Command): readonly CompletionNode[] {
  const globals = program.options;
  const visit = (command: Command, path: readonly string[]): readonly CompletionNode[] => {
    const commands = command.commands.map((each) => ({
      name: each.name(),
      summary: each.summary() || (each.description().split(/[.:;]/, 1)[0] ?? ""),
    }));
    const options = [...(command === program ? [] : command.options), ...globals];
    const node: CompletionNode = {
      path,
      commands,
      options: [
        ...options.flatMap(optionOf),
        { long: "--help", description: "show help", choices: [], takesValue: false },
      ],
      choices: command.registeredArguments[0]?.argChoices ?? [],
    };
    return [node, ...command.commands.flatMap((each) => visit(each, [...path, each.name()]))];
  };
  return visit(program, []);
}

function optionOf(option: Option): CompletionNode["options"] {
  if (option.long === undefined || option.long === null || option.hidden) return [];
  return [
    {
      long: option.long,
      description: option.description,
      choices: option.argChoices ?? [],
      takesValue: option.required || option.optional,
    },
  ];
}

const key = (path: readonly string[]): string => path.join(" ");

export function renderBash(tree: readonly CompletionNode[]): string {
  const steps = tree
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `      "${key(path)}") at="${key(path)}" ;;`);
  const words = tree.map(
    ({ path, commands, choices, options }) =>
      `    "${key(path)}") words="${[...commands.map(({ name }) => name), ...choices].join(" ")}"; options="${options.map(({ long }) => long).join(" ")}" ;;`,
  );
  return `# cell0 completion for bash. Load it: source <(cell0 completion bash)
_cell0() {
  local at="" words="" options="" choices="" word i
  local current="\${COMP_WORDS[COMP_CWORD]}" previous=""
  (( COMP_CWORD > 0 )) && previous="\${COMP_WORDS[COMP_CWORD-1]}"
  for (( i = 1; i < COMP_CWORD; i++ )); do
    word="\${COMP_WORDS[i]}"
    case "\${at:+$at }$word" in
${steps.join("\n")}
    esac
  done
  case "$at $previous" in
${choiceCases(tree)
  .map(([path, long, choices]) => `    "${path} ${long}") choices="${choices}" ;;`)
  .join("\n")}
  esac
  case "$at" in
${words.join("\n")}
  esac
  COMPREPLY=()
  if [[ -n "$choices" ]]; then
    COMPREPLY=( $(compgen -W "$choices" -- "$current") )
  elif [[ "$current" == -* ]]; then
    COMPREPLY=( $(compgen -W "$options" -- "$current") )
  elif [[ -n "$words" && "$previous" != --* ]]; then
    COMPREPLY=( $(compgen -W "$words" -- "$current") )
  fi
}
complete -o default -F _cell0 cell0
`;
}

function choiceCases(tree: readonly CompletionNode[]): readonly (readonly [string, string, string])[] {
  return tree.flatMap(({ path, options }) =>
    options
      .filter(({ choices }) => choices.length > 0)
      .map(({ long, choices }) => [key(path), long, choices.join(" ")] as const),
  );
}

export function renderZsh(tree: readonly CompletionNode[]): string {
  const steps = tree
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `      "${key(path)}") at="${key(path)}" ;;`);
  const cases = tree.map(({ path, commands, choices, options }) => {
    const words = [
      ...commands.map(({ name, summary }) => describe(name, summary)),
      ...choices.map((each) => quote(each)),
    ];
    const flags = options.map(({ long, description }) => describe(long, description));
    return `    "${key(path)}")\n      words=(${words.join(" ")})\n      options=(${flags.join(" ")}) ;;`;
  });
  return `#compdef cell0
# cell0 completion for zsh. Load it: source <(cell0 completion zsh)
_cell0() {
  local at="" word previous="\${words[CURRENT-1]}"
  local -a entered options choices
  entered=("\${(@)words[2,CURRENT-1]}")
  local current="\${words[CURRENT]}"
  local -a words
  for word in "\${entered[@]}"; do
    case "\${at:+$at }$word" in
${steps.join("\n")}
    esac
  done
  case "$at $previous" in
${choiceCases(tree)
  .map(([path, long, choices]) => `    "${path} ${long}") choices=(${choices}) ;;`)
  .join("\n")}
  esac
  case "$at" in
${cases.join("\n")}
  esac
  if (( \${#choices} )); then
    compadd -a choices
  elif [[ "$current" == -* ]]; then
    _describe 'option' options
  elif (( \${#words} )) && [[ "$previous" != --* ]]; then
    _describe 'command' words
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == "_cell0" ]]; then _cell0 "$@"; else compdef _cell0 cell0; fi
`;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const describe = (name: string, text: string): string => quote(`${name.replaceAll(":", "\\:")}:${text}`);

export function renderFish(tree: readonly CompletionNode[]): string {
  const lines = tree.flatMap(({ path, commands, choices, options }) => {
    const here = condition(
      path,
      commands.map(({ name }) => name),
    );
    return [
      ...commands.map(
        ({ name, summary }) => `complete -c cell0 -n ${quote(here)} -f -a ${name} -d ${quote(summary)}`,
      ),
      ...choices.map((choice) => `complete -c cell0 -n ${quote(here)} -f -a ${choice}`),
      ...options.map(({ long, description, choices: values, takesValue }) => {
        const value = values.length > 0 ? ` -x -a ${quote(values.join(" "))}` : takesValue ? " -r" : "";
        return `complete -c cell0 -n ${quote(here)} -l ${long.slice(2)}${value} -d ${quote(description)}`;
      }),
    ];
  });
  return `# cell0 completion for fish. Save it as ~/.config/fish/completions/cell0.fish\n${lines.join("\n")}\n`;
}

/** All words of the path were given, and none of the subcommands yet. */
function condition(path: readonly string[], commands: readonly string[]): string {
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const open =
    path.length === 0
      ? ["__fish_use_subcommand"]
      : commands.map((name) => `not __fish_seen_subcommand_from ${name}`);
  return [...seen, ...(path.length === 0 ? open : open.slice(0, 16))].join("; and ");
}
