// `cell0 keys rotate client NAME|operator|node [NAME]|issuer`
import { type Command, InvalidArgumentError, Option } from "commander";
import { OPERATOR } from "../runtime/create-cell.ts";
import { MAX_PRESERVE_MS } from "../security/trust/continuity.ts";
import { parseName } from "./client-add.ts";
import { documented } from "./documented.ts";
import { parseDuration } from "./duration.ts";
import { oneAtATime } from "./rotate/one-at-a-time.ts";
import { rotateClient } from "./rotate/rotate-client.ts";
import { rotateIssuer } from "./rotate/rotate-issuer.ts";
import { rotateNode } from "./rotate/rotate-node.ts";
import type { RotateOptions } from "./rotate/steps.ts";
import { action } from "./session.ts";

const DEFAULT_PRESERVE_MS = 10 * 60_000;
/** All nodes have to hear of it and be tried meanwhile. */
const MIN_PRESERVE_MS = 60_000;

export function registerRotate(keys: Command): void {
  const rotate = keys
    .command("rotate")
    .description(
      "Put a new key in the place of one, without a refused intent: preserve, establish, test, switch, remove.",
    );
  documented(rotate, {
    examples: [
      ["cell0 keys rotate client web-shop", "web-shop.creds has a new key"],
      ["cell0 keys rotate client web-shop --remove", "the one before is refused from now on"],
    ],
    exits: ["negative", "refused", "unreachable"],
    notes:
      "The key before signs that the new one follows it, and counts beside it for the time of `--preserve`. What fails before the switch is undone, and the command can be run again. A key that is lost or known to others is not rotated but replaced: `cell0 client add NAME --replace`, `cell0 node add NAME --replace`.",
  });
  registerClientAndOperator(rotate);
  registerNode(rotate);
  registerIssuer(rotate);
}

function registerClientAndOperator(rotate: Command): void {
  const client = withOptions(rotate.command("client"))
    .description(
      "Rotate a client's key: its identity file has another one then; the one before is kept as FILE.old.",
    )
    .argument("<name>", "name of the client", parseName)
    .option("--file <file>", "its identity file (default: NAME.creds)")
    .action(
      action((context, name: string, options: RotateOptions & { readonly file?: string }) =>
        oneAtATime(context, () =>
          rotateClient(context, name, { ...options, file: context.path(options.file ?? `${name}.creds`) }),
        ),
      ),
    );
  documented(client, {
    examples: [["cell0 keys rotate client web-shop --file /etc/shop/web-shop.creds", "where its file lies"]],
    exits: ["negative", "refused", "unreachable"],
    notes: "It takes the issuer's key and the client's file. The credentials for the broker in it stay.",
  });
  const operator = withOptions(rotate.command("operator"))
    .description("Rotate the operator's key in the data directory.")
    .action(
      action((context, options: RotateOptions) =>
        oneAtATime(context, () =>
          rotateClient(context, OPERATOR, { ...options, file: context.dir.operatorCreds }),
        ),
      ),
    );
  documented(operator, {
    examples: [["cell0 keys rotate operator --preserve 1h", "copies of it elsewhere work for an hour more"]],
    exits: ["negative", "refused", "unreachable"],
  });
}

function registerNode(rotate: Command): void {
  const node = withOptions(rotate.command("node"))
    .description("Rotate the key of a node that runs. It goes on with the next one, without a stop.")
    .argument("[name]", "name of the node (default: the one of this directory)", parseName)
    .action(
      action((context, name: string | undefined, options: RotateOptions) =>
        oneAtATime(context, () => rotateNode(context, name, options)),
      ),
    );
  documented(node, {
    examples: [
      ["cell0 keys rotate node", "this directory's"],
      ["cell0 keys rotate node b --remove", "the key that b had before is refused from now on"],
    ],
    exits: ["negative", "refused", "unreachable"],
    notes:
      "The node makes its next key itself; it never leaves the node's directory. Tokens that the key before minted count on. Its vote key, in the Rust core, stays.",
  });
}

function registerIssuer(rotate: Command): void {
  const issuer = withOptions(rotate.command("issuer"))
    .description("Rotate the issuer's key, and certify all nodes and clients anew with the next one.")
    .action(
      action((context, options: RotateOptions) => oneAtATime(context, () => rotateIssuer(context, options))),
    );
  documented(issuer, {
    examples: [
      ["cell0 keys genesis --import /media/stick/genesis.key", "it takes the genesis key"],
      ["cell0 keys rotate issuer", "everybody's key and file stay as they are"],
      ["cell0 keys rotate issuer --remove", "the one before certifies nobody any more"],
    ],
    exits: ["negative", "refused", "unreachable", "partial"],
    notes:
      "It says whom it will certify anew and asks; whoever appears meanwhile is named and left out (exit code 5), for you to withdraw, or to run it again. Nodes and the operator come first. When it stops half way, run it again. If the time of `--preserve` is over by then and this node or the operator was left out, nobody answers any more: stop the cell, run it again, and start the cell. `--remove` also gives up clients that were left out.",
  });
}

const withOptions = (command: Command): Command =>
  command
    .addOption(
      new Option("--preserve <duration>", "how long the key before counts on, 1m to 24h")
        .argParser(parsePreserve)
        .default(DEFAULT_PRESERVE_MS, "10m"),
    )
    .option("--remove", "end the key before at once, and do no more")
    .option("-y, --yes", "do not ask");

function parsePreserve(text: string): number {
  const ms = parseDuration(text);
  if (ms < MIN_PRESERVE_MS || ms > MAX_PRESERVE_MS)
    throw new InvalidArgumentError("A key counts beside the one that follows it for 1m to 24h.");
  return ms;
}
