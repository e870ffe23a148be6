// `cell0 node add NAME --shards RANGES`
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ShardRange } from "../security/trust/certificate.ts";
import { SHARDS } from "../security/trust/genesis.ts";
import { readCellKeys } from "./cell-keys.ts";
import { parseName } from "./client-add.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { formatTime, parseDuration } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { addPrincipal } from "./identity-file.ts";
import { shellWord } from "./render/shell-word.ts";
import { action } from "./session.ts";

type Options = {
  readonly shards: readonly ShardRange[];
  readonly ttl: number;
  readonly replace?: true;
  readonly out?: string;
};

const DEFAULT_TTL_MS = 1_825 * 86_400_000;

export function registerNode(program: Command): void {
  const node = program.command("node").description("Nodes of the cell.");
  const add = node
    .command("add")
    .description(
      "Certify a further node and write the file with which it joins. From then on it owns these shards: actors placed on them answer once it is up.",
    )
    .argument("<name>", "name of the node, a token of a-z, 0-9 and '-'", parseName)
    .requiredOption("--shards <ranges>", "shards that it owns, e.g. 128-255 or 0,7,200-255", parseShards)
    .addOption(
      new Option("--ttl <duration>", "how long it is valid")
        .argParser(parseDuration)
        .default(DEFAULT_TTL_MS, "1825d"),
    )
    .option("--replace", "give a node that exists a new key and these shards")
    .option("--out <file>", "where to write the file (default: NAME.creds)")
    .action(action(addNode));
  documented(add, {
    examples: [
      ["cell0 node add b --shards 128-255 --out b.creds", "the second half for node b"],
      ["cell0 --data-dir .cell0-b up --join b.creds", "where it is to run"],
    ],
    exits: ["refused", "unreachable"],
    notes: "For another machine give `--nats URL` with the address at which that machine reaches the broker.",
  });
  documented(node, {
    examples: [["cell0 node add b --shards 128-255 --out b.creds", "let a second node in"]],
    exits: ["refused", "unreachable"],
  });
}

async function addNode(context: Context, name: string, options: Options): Promise<ExitCode> {
  const file = context.path(options.out ?? `${name}.creds`);
  const keys = await readCellKeys(context.dir, context.natsUrl);
  const { certificate } = await addPrincipal(
    context,
    keys,
    {
      principal: name,
      kind: "node",
      shards: options.shards,
      grants: [],
      notAfterUnixMs: Date.now() + options.ttl,
      replace: options.replace === true,
    },
    file,
  );
  context.print(
    [
      `Node ${name} owns shards ${formatRanges(certificate.shards)}, until ${formatTime(certificate.notAfterUnixMs)} UTC.`,
      `Its file: ${file} (whoever has it is this node)`,
      "",
      "Where it is to run:",
      `  cell0 --data-dir .cell0-${name} up --join ${shellWord(file)}`,
    ].join("\n"),
  );
  context.printJson({ node: name, file, shards: certificate.shards, generation: certificate.generation });
  return exitCodes.ok;
}

export const formatRanges = (ranges: readonly ShardRange[]): string =>
  ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(",");

/** `128-255`, `0,7,200-255`; sorted, without overlaps. */
export function parseShards(text: string): readonly ShardRange[] {
  const ranges = text.split(",").map((part): ShardRange => {
    const match = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(part.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || first > last || last >= SHARDS) {
      throw new InvalidArgumentError(`Ranges lie within 0 to ${SHARDS - 1}, e.g. 128-255 or 0,7,200-255.`);
    }
    return { first, last };
  });
  const sorted = ranges.toSorted((left, right) => left.first - right.first);
  if (sorted.some(({ first }, at) => first <= (sorted[at - 1]?.last ?? -1))) {
    throw new InvalidArgumentError("A shard is named twice.");
  }
  return sorted;
}
