// What `cell0 up` does: prepares the data directory, has the cradle run broker, core and
// node, applies manifests when some are named, shows what happens, and has all of it
// stopped in order when asked to. Keys, manifests and the operator's connection are in
// this process; the cradle is another one, and knows of none of them.
import { type OwnCode, ownCode, ownCodeMade, useOwnCode } from "../actors/own-code.ts";
import { CellError } from "../errors/cell-error.ts";
import type { BrokerSync } from "../runtime/cell-config.ts";
import { type PreparedNode, type PrepareOptions, prepareNode, tidyUp } from "../runtime/prepare-node.ts";
import { DRAIN_TIMEOUT_MS, type ProcessOptions, processSpecs } from "../runtime/processes.ts";
import { type CradleProcess, type CradleProcessEnd, spawnCradle } from "../runtime/spawn-cradle.ts";
import type { CradleEvent } from "../supervisor/cradle/cradle.ts";
import { matrix } from "../supervisor/matrix.ts";
import { processRules } from "../supervisor/process-rules.ts";
import type { Context } from "./context.ts";
import { errorToJson, formatError, toCellError } from "./error-output.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { detach } from "./up-detached.ts";
import { type Arrival, printArrival, printEvent, printMade } from "./up-output.ts";

export type UpOptions = {
  readonly cell?: string;
  readonly node?: string;
  readonly port?: number;
  readonly brokerSync?: BrokerSync;
  /** 0: any free port. */
  readonly websocket?: number;
  readonly websocketOrigin?: readonly string[];
  readonly join?: string;
  readonly prune?: boolean;
  readonly detach?: boolean;
  readonly maxRestarts?: number;
  /** Default true, unless cell.json says false. */
  readonly spare?: boolean;
};

export type UpHooks = { readonly onReady?: () => Promise<void> };

export async function runUp(
  context: Context,
  manifests: readonly string[],
  options: UpOptions,
  hooks: UpHooks = {},
): Promise<ExitCode> {
  const websocket = websocketOf(options);
  if (options.detach === true) return await detach(context);
  // A cell outlives the terminal's window and the log's collector.
  context.terminal.surviveLostOutput?.();
  const startedAt = performance.now();
  const arrival = Promise.withResolvers<Arrival>();
  let prepared: PreparedNode | undefined;
  // It starts beside the preparation, which takes longer.
  const code = ownCode();
  const cradle = spawnCradle(code, {
    event(event) {
      printEvent(context, event);
      hear(event, arrival);
    },
    // A full disk must not end the cell: the lock only helps to find what a killed holder leaves.
    pids: (pids) => void prepared?.lock.update(pids).catch(() => undefined),
  });
  try {
    prepared = await prepare(context, options, websocket);
    printMade(context, prepared);
    const { config, genesisHash } = prepared;
    const standsBy = options.spare !== false && config.spare !== false;
    const known = { dir: context.dir, cell: config, genesisHash, spare: standsBy };
    cradle.run(await processSpecs({ ...known, code }), processRules(matrix.process, options.maxRestarts));
    // Otherwise all starts as it did.
    followOwnCode(cradle, code, known).catch(() => undefined);
    const wasAsked = stopOnInterrupt(context, cradle);
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
    await cradle.stop();
    if (prepared !== undefined) await tidyUp(context.dir, prepared.lock);
  }
}

async function prepare(
  context: Context,
  options: UpOptions,
  websocket: PrepareOptions["websocket"],
): Promise<PreparedNode> {
  const { cell, node, port, brokerSync, join } = options;
  return await prepareNode(context.dir, {
    ...(cell === undefined ? {} : { cell }),
    ...(node === undefined ? {} : { node }),
    ...(port === undefined ? {} : { port }),
    ...(brokerSync === undefined ? {} : { brokerSync }),
    ...(join === undefined ? {} : { join: context.path(join) }),
    ...(websocket === undefined ? {} : { websocket }),
  });
}

/** Without origins no page could connect; without the listener they would be for nothing. Throws CLI_USAGE. */
function websocketOf({ websocket, websocketOrigin = [] }: UpOptions): PrepareOptions["websocket"] {
  if (websocket === undefined && websocketOrigin.length === 0) return undefined;
  if (websocket === undefined || websocketOrigin.length === 0) {
    throw new CellError("CLI_USAGE", "--websocket and --websocket-origin go together", {
      remedy:
        "Give the port and each origin whose pages may connect, e.g. `--websocket 8443 --websocket-origin http://localhost:8080`.",
    });
  }
  return { port: websocket, origins: websocketOrigin };
}

/** A checkout may make its bundle only now: what starts later starts from that. */
async function followOwnCode(
  cradle: CradleProcess,
  before: OwnCode,
  known: Omit<ProcessOptions, "code">,
): Promise<void> {
  const code = await ownCodeMade();
  useOwnCode(code);
  if (code.folder !== before.folder) cradle.update(await processSpecs({ ...known, code }));
}

type Attendance = {
  readonly cradle: CradleProcess;
  /** Whether an interrupt asked for the end. */
  readonly wasAsked: () => boolean;
  readonly arrival: Promise<Arrival>;
  readonly manifests: readonly string[];
  readonly options: UpOptions;
  readonly hooks: UpHooks;
  readonly prepared: PreparedNode;
  readonly startedAt: number;
};

/** From the start of the processes to their end. */
async function attend(context: Context, attendance: Attendance): Promise<ExitCode> {
  const { cradle, wasAsked, arrival, manifests, options, prepared, startedAt } = attendance;
  if (manifests.length > 0) void preload();
  const first = await Promise.race([arrival, cradle.ended]);
  if (!("status" in first)) return await endOf(first, prepared);
  const applied = await applyAtStart(context, manifests, options);
  printArrival(context, prepared, applied ?? first, performance.now() - startedAt);
  process.send?.({ type: "up" });
  await attendance.hooks.onReady?.();
  const end = await cradle.ended;
  context.note(wasAsked() ? "Stopped." : "");
  return await endOf(end, prepared);
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
  const { MAX_SHOWN_ACTORS } = await import("../runtime/node-status.ts");
  const { node } = await readCellConfig(context.dir);
  const status = await kernel.status(node);
  return status.actors > MAX_SHOWN_ACTORS ? { status } : { status, tree: await kernel.tree(node) };
}

function hear(event: CradleEvent, arrival: PromiseWithResolvers<Arrival>): void {
  if (event.kind !== "ready" || event.name !== "node") return;
  // It comes from our own child, over our own channel.
  arrival.resolve(event.detail as Arrival);
}

async function endOf({ gaveUp, lost }: CradleProcessEnd, { lock }: PreparedNode): Promise<ExitCode> {
  if (lost !== undefined) {
    // What it ran ends with it; the next start is not to find any of it.
    await lock.endChildren();
    throw new CellError(
      "CELL_PROCESS_FAILED",
      `the cradle, which runs the cell's processes, ended: ${lost}`,
      {
        remedy: "Start the cell again with `cell0 up`; a service manager does so by itself.",
      },
    );
  }
  if (gaveUp === undefined) return exitCodes.ok;
  const { name, log } = gaveUp;
  throw new CellError("CELL_PROCESS_FAILED", `the ${name} process ends again and again`, {
    where: log,
    remedy: `Read the end of ${log}; if an intent or an apply did it, \`cell0 logs --kind processDied\` names it once the cell is up again. Then \`cell0 up\`.`,
  });
}

/**
 * First interrupt: in order. Second: at once. Heard until this process ends: one that comes
 * late, while it tidies up, must not leave a lock behind.
 */
function stopOnInterrupt(context: Context, cradle: CradleProcess): () => boolean {
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
