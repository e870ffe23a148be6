// The processes of a node, as the cradle is to run them: broker (when it is the
// embedded one), core, node; in the order they start.

import { availableParallelism } from "node:os";
import type { OwnCode } from "../actors/own-code.ts";
import type { ProcessSpec } from "../supervisor/cradle/process-spec.ts";
import { brokerArgs, locateBroker } from "../transport/broker/locate.ts";
import type { CellConfig } from "./cell-config.ts";
import type { DataDir } from "./data-dir.ts";
import { heapArgs, spareDelayMs } from "./drilled.ts";
import { locateCore, packageRoot } from "./package-info.ts";

/** What a process inherits; nothing else of the caller's environment reaches it. */
const PASSED_ON = [
  "PATH",
  "HOME",
  "TMPDIR",
  "LANG",
  "TZ",
  "NODE_EXTRA_CA_CERTS",
  "CELL0_LOG",
  "CELL0_EVENTS",
  // Set by `cell0 drill` alone, see drilled.ts.
  "CELL0_DRILL",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_SERVICE_NAME",
  "OTEL_RESOURCE_ATTRIBUTES",
];

/**
 * Processors that the embedded broker's own scheduler spreads over. It shares them with the node:
 * where there are few, handing a message from one of its threads to another takes longer than
 * storing it (a tenth of a cell's rate with two processors).
 */
export const brokerProcessors = (available: number): number => Math.max(1, Math.floor(available / 2));

/**
 * Threads on which the node's engine compiles and collects beside the main one. Left at the four that
 * it takes, they had two processors to themselves whenever a group of actors came back.
 */
export const engineThreads = (available: number): number =>
  Math.min(4, Math.max(1, Math.floor(available / 2)));

/** Grace for what a node has accepted, on the first Ctrl-C. */
export const DRAIN_TIMEOUT_MS = 5_000;

const ENGINE = [
  // MiB, from the start: growing it little by little costs a node that brings back 1,000 actors a tenth of that time.
  "--min-semi-space-size=16",
  // What has not run for a while would be thrown away, and compiled again when it is wanted: at a failure.
  "--no-flush-bytecode",
  // Of what is left after a collection. By default a heap that was collected because memory had run out may
  // hardly grow: the collector then runs beside the kernel's rebuild, a sixth of its time.
  "--heap-growing-percent=100",
] as const;

/** Argument of a node's process that stands by. */
export const STANDBY = "--standby";

export type ProcessOptions = {
  readonly dir: DataDir;
  readonly cell: CellConfig;
  readonly genesisHash: string;
  /** Whether a second process of the node is to stand by. */
  readonly spare: boolean;
  /** What the node is started from. */
  readonly code: OwnCode;
};

/** Throws BROKER_MISSING, BROKER_TOO_OLD, CORE_MISSING. */
export async function processSpecs(options: ProcessOptions): Promise<ProcessSpec[]> {
  const { dir, cell, genesisHash, spare, code } = options;
  const env = environment();
  const specs: ProcessSpec[] = [];
  if (cell.broker.embedded && cell.broker.port !== undefined) {
    const broker = await locateBroker({ packageRoot });
    specs.push({
      name: "broker",
      command: broker.path,
      args: brokerArgs(dir.brokerConfig),
      env: { ...env, GOMAXPROCS: String(brokerProcessors(availableParallelism())) },
      cwd: dir.brokerDirectory,
      log: dir.brokerLog,
      readiness: { kind: "port", port: cell.broker.port },
      speaksFirstAt: { port: cell.broker.port },
      readyTimeoutMs: 30_000,
      stopTimeoutMs: 3_000,
    });
  }
  specs.push({
    name: "core",
    command: locateCore(process.env),
    args: coreArgs(dir, genesisHash),
    env,
    cwd: dir.coreDirectory,
    log: dir.coreLog,
    readiness: { kind: "stdout" },
    speaksFirstAt: { path: dir.coreSocket },
    readyTimeoutMs: 10_000,
    stopTimeoutMs: 2_000,
  });
  specs.push({
    name: "node",
    command: process.execPath,
    args: [...heapArgs, ...engineArgs(), "--disable-sigusr1", code.entry("node"), dir.root],
    env: { ...env, NODE_COMPILE_CACHE: compileCache(dir) },
    cwd: process.cwd(),
    log: dir.nodeLog,
    readiness: { kind: "ipc" },
    readyTimeoutMs: 60_000,
    stopTimeoutMs: DRAIN_TIMEOUT_MS + 1_000,
    takeover: { spare, standbyArgs: [STANDBY], spareDelayMs },
    beats: true,
  });
  return specs;
}

const engineArgs = (): string[] => [...ENGINE, `--v8-pool-size=${engineThreads(availableParallelism())}`];

function coreArgs(dir: DataDir, genesisHash: string): string[] {
  return [
    "serve",
    ...["--data-dir", dir.coreDirectory],
    ...["--socket", dir.coreSocket],
    ...["--genesis-hash", genesisHash],
    "--exit-with-parent",
  ];
}

function compileCache(dir: DataDir): string {
  return process.env.NODE_COMPILE_CACHE ?? `${dir.root}/cache/compile`;
}

function environment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
