// `cell0 up`: this process becomes the cradle of a node. It prepares the data
// directory, runs broker, core and node, applies manifests when some are named,
// and stops all of it in order when asked to.
import { type Command, Option } from "commander";
import { CellError } from "../errors/cell-error.ts";
import type { BrokerSync } from "../runtime/cell-config.ts";
import { type PreparedNode, prepareNode, tidyUp } from "../runtime/prepare-node.ts";
import { DRAIN_TIMEOUT_MS, processSpecs } from "../runtime/processes.ts";
import { type Cradle, type CradleEvent, startCradle } from "../supervisor/cradle/cradle.ts";
import { matrix } from "../supervisor/matrix.ts";
import { processRules } from "../supervisor/process-rules.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { errorToJson, formatError, toCellError } from "./error-output.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { action } from "./session.ts";
import { detach } from "./up-detached.ts";
import { type Arrival, printArrival, printEvent, printMade } from "./up-output.ts";

export type UpOptions = {
  readonly cell?: string;
  readonly node?: string;
  readonly port?: number;
  readonly brokerSync?: BrokerSync;
  readonly join?: string;
  readonly prune?: boolean;
  readonly detach?: boolean;
  readonly maxRestarts?: number;
  /** Default true, unless cell.json says false. */
  readonly spare?: boolean;
};

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
    ],
    exits: ["refused", "unreachable", "internal"],
    notes: `The first Ctrl-C stops in order: what was accepted gets ${DRAIN_TIMEOUT_MS / 1000} s to finish. A second one stops at once.`,
  });
}

export async function runUp(
  context: Context,
  manifests: readonly string[],
  options: UpOptions,
  hooks: { readonly onReady?: () => Promise<void> } = {},
): Promise<ExitCode> {
  if (options.detach === true) return await detach(context);
  const { dir } = context;
  // A cell outlives the terminal's window and the log's collector.
  context.terminal.surviveLostOutput?.();
  const { prune: _prune, detach: _detach, maxRestarts, spare, join, ...names } = options;
  const startedAt = performance.now();
  const prepared = await prepareNode(dir, {
    ...names,
    ...(join === undefined ? {} : { join: context.path(join) }),
  });
  printMade(context, prepared);
  let cradle: Cradle | undefined;
  try {
    const standsBy = spare !== false && prepared.config.spare !== false;
    const specs = await processSpecs(dir, prepared.config, prepared.genesisHash, standsBy);
    const arrival = Promise.withResolvers<Arrival>();
    const onEvent = (event: CradleEvent) => {
      // A full disk must not end the cell: the lock only helps to find what a killed cradle leaves.
      if (cradle !== undefined) prepared.lock.update(cradle.pids()).catch(() => undefined);
      printEvent(context, event);
      hear(event, arrival);
    };
    cradle = startCradle(specs, processRules(matrix.process, maxRestarts), onEvent);
    const wasAsked = stopOnInterrupt(context, cradle);
    await prepared.lock.update(cradle.pids());
    return await attend(context, {
      cradle,
      wasAsked,
      arrival: arrival.promise,
      manifests,
      options,
      hooks,
      prepared,
      startedAt,
    });
  } finally {
    await cradle?.stop();
    await tidyUp(dir, prepared.lock);
  }
}

type Attendance = {
  readonly cradle: Cradle;
  /** Whether an interrupt asked for the end. */
  readonly wasAsked: () => boolean;
  readonly arrival: Promise<Arrival>;
  readonly manifests: readonly string[];
  readonly options: UpOptions;
  readonly hooks: { readonly onReady?: () => Promise<void> };
  readonly prepared: PreparedNode;
  readonly startedAt: number;
};

/** From the start of the processes to their end. */
async function attend(context: Context, attendance: Attendance): Promise<ExitCode> {
  const { cradle, wasAsked, arrival, manifests, options, prepared, startedAt } = attendance;
  if (manifests.length > 0) void preload();
  const first = await Promise.race([arrival, cradle.ended]);
  if (!("status" in first)) return endOf(first);
  const applied = await applyAtStart(context, manifests, options);
  printArrival(context, prepared, applied ?? first, performance.now() - startedAt);
  process.send?.({ type: "up" });
  await attendance.hooks.onReady?.();
  const end = await cradle.ended;
  context.note(wasAsked() ? "Stopped." : "");
  return endOf(end);
}

/** What applying needs, loaded while the node's process comes up beside this one. */
async function preload(): Promise<void> {
  await Promise.all([import("./apply.ts"), import("./connect-cell.ts"), import("./kernel-client.ts")]);
}

/** The state after the manifests were applied; undefined when there were none, or it failed: then the cell runs on as it was. */
async function applyAtStart(
  context: Context,
  manifests: readonly string[],
  options: UpOptions,
): Promise<Arrival | undefined> {
  if (manifests.length === 0) return undefined;
  try {
    const { applyManifests } = await import("./apply.ts");
    await applyManifests(context, manifests, { prune: options.prune === true, yes: true });
  } catch (thrown) {
    const error = toCellError(thrown);
    context.terminal.err(
      `${context.json ? JSON.stringify({ error: errorToJson(error) }) : formatError(error)}\n`,
    );
  }
  const kernel = await context.kernel();
  const { readCellConfig } = await import("../runtime/cell-config.ts");
  const { node } = await readCellConfig(context.dir);
  return { status: await kernel.status(node), tree: await kernel.tree(node) };
}

function hear(event: CradleEvent, arrival: PromiseWithResolvers<Arrival>): void {
  if (event.kind !== "ready" || event.name !== "node") return;
  // It comes from our own child, over our own channel.
  arrival.resolve(event.detail as Arrival);
}

function endOf(end: { readonly gaveUp?: { readonly name: string; readonly log: string } }): ExitCode {
  if (end.gaveUp === undefined) return exitCodes.ok;
  const { name, log } = end.gaveUp;
  throw new CellError("CELL_PROCESS_FAILED", `the ${name} process ends again and again`, {
    where: log,
    remedy: `Read the end of ${log}; if an intent or an apply did it, \`cell0 logs --kind processDied\` names it once the cell is up again. Then \`cell0 up\`.`,
  });
}

/**
 * First interrupt: in order. Second: at once. Heard until this process ends: one that comes
 * late, while it tidies up, must not leave a lock behind.
 */
function stopOnInterrupt(context: Context, cradle: Cradle): () => boolean {
  let count = 0;
  const interrupt = () => {
    count += 1;
    if (count === 1) {
      context.note(`Stopping in order, at most ${DRAIN_TIMEOUT_MS / 1000} s; Ctrl-C again stops at once.`);
      void cradle.stop();
    } else void cradle.kill();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  return () => count > 0;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0 && count <= 1_000_000) return count;
  throw new CellError("CLI_USAGE", `\`${text}\` is no number of restarts`, {
    remedy: "give a whole number from 0 to 1000000",
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new CellError("CLI_USAGE", `\`${text}\` is not a port`, { remedy: "give a number from 1 to 65535" });
}
