// `cell0 up`: its options, as they are typed.
import { type Command, Option } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { DRAIN_TIMEOUT_MS } from "../runtime/processes.ts";
import { documented } from "./documented.ts";
import { runUp, type UpOptions } from "./run-up.ts";
import { action } from "./session.ts";

export function registerUp(program: Command): void {
  const command = program
    .command("up")
    .description("Start the cell of the data directory, making it at first, and run until Ctrl-C.")
    .argument("[manifests...]", "manifests to apply once the cell is up: files or directories")
    .option("--cell <name>", "name of the cell to make (default: local)")
    .option("--node <name>", "name of this node (default: a)")
    .option(
      "--port <port>",
      "port of the embedded broker on the loopback address (default: any free one)",
      parsePort,
    )
    .addOption(
      new Option(
        "--broker-sync <when>",
        "what a power loss may take of the embedded broker's last writes, kept in cell.json: `1s` (default), or `always`: nothing, and each commit waits for the disk",
      ).choices(["1s", "always"]),
    )
    .option(
      "--websocket <port>",
      "let browsers connect to the embedded broker too, by WebSocket on the loopback address and until the cell stops; 0 is any free port. Needs --websocket-origin",
      (text) => (text === "0" ? 0 : parsePort(text)),
    )
    .option(
      "--websocket-origin <origin>",
      "whose pages may: scheme, host and port, as https://shop.example or http://localhost:8080; may be given again",
      collectOrigin,
    )
    .option("--join <file>", "join a cell with the file that `cell0 node add` wrote")
    .option("--prune", "remove graphs that the manifests do not name")
    .option(
      "--no-spare",
      "keep no second node process in standby: saves some 90 MB, and a killed node takes longer to come back",
    )
    .option(
      "--max-restarts <n>",
      "deaths of one process within a minute after which everything is stopped (default: 10)",
      parseCount,
    )
    .option("-d, --detach", "return when the cell is up and leave it running")
    .action(action((context, manifests: string[], options: UpOptions) => runUp(context, manifests, options)));
  documented(command, {
    examples: [
      ["cell0 up graph.yaml", "start a cell and apply a manifest"],
      ["cell0 up -d", "start it in the background; `cell0 down` stops it"],
      ["cell0 --data-dir b up --join b.creds", "add a second node"],
      [
        "cell0 up --websocket 8443 --websocket-origin http://localhost:8080",
        "let pages of that origin connect to ws://127.0.0.1:8443, each with an identity of its own",
      ],
    ],
    exits: ["refused", "unreachable", "internal"],
    notes: `The first Ctrl-C stops in order: what was accepted gets ${DRAIN_TIMEOUT_MS / 1000} s to finish. A second one stops at once.`,
  });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0 && count <= 1_000_000) return count;
  throw new CellError("CLI_USAGE", `\`${text}\` is no number of restarts`, {
    remedy: "give a whole number from 0 to 1000000",
  });
}

/** Throws CLI_USAGE for what no browser sends as its origin; a wildcard is none. */
function collectOrigin(text: string, before: readonly string[] | undefined): readonly string[] {
  const origin = URL.parse(text);
  const isOrigin = origin !== null && /^https?:$/.test(origin.protocol) && origin.origin === text;
  if (isOrigin) return [...(before ?? []), text];
  throw new CellError("CLI_USAGE", `\`${text.slice(0, 200)}\` is not the origin of a page`, {
    remedy: "give scheme, host and port without a path, e.g. https://shop.example",
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new CellError("CLI_USAGE", `\`${text}\` is not a port`, { remedy: "give a number from 1 to 65535" });
}
