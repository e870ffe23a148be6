// Which nats-server to run: the one that is named, else the one on PATH, else
// the one that set-up fetched. Starting it is the cradle's work.
import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { CellError } from "../../errors/cell-error.ts";
import { isRecent, requireVersion } from "./version.ts";

const VERSION_TIMEOUT_MS = 10_000;

export type BrokerBinary = { readonly path: string; readonly version: string };

export type LocateOptions = {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Folder of this package, with `.tools/bin` below it. */
  readonly packageRoot?: string;
  readonly signal?: AbortSignal;
};

/**
 * A binary that is too old is passed over for a later place of the list, unless it was named.
 * Throws BROKER_MISSING or BROKER_TOO_OLD.
 */
export async function locateBroker(options: LocateOptions = {}): Promise<BrokerBinary> {
  const env = options.env ?? process.env;
  const named = env.NATS_SERVER_BIN;
  if (named !== undefined && named !== "") {
    const binary = await inspect(named, options.signal);
    if (binary === undefined) {
      throw new CellError("BROKER_MISSING", "NATS_SERVER_BIN names no nats-server that runs", {
        where: named,
      });
    }
    requireVersion(binary.version, binary.path);
    return binary;
  }
  let tooOld: BrokerBinary | undefined;
  for (const candidate of candidates(env, options.packageRoot)) {
    const binary = await inspect(candidate, options.signal);
    if (binary === undefined) continue;
    if (isRecent(binary.version)) return binary;
    tooOld ??= binary;
  }
  if (tooOld !== undefined) requireVersion(tooOld.version, tooOld.path);
  throw new CellError("BROKER_MISSING");
}

/** Arguments for nats-server to run with the configuration that `brokerConfig` wrote. */
export const brokerArgs = (configFile: string): readonly string[] => ["--config", configFile];

function candidates(env: Readonly<Record<string, string | undefined>>, packageRoot?: string): string[] {
  const executable = process.platform === "win32" ? "nats-server.exe" : "nats-server";
  const root = packageRoot ?? join(dirname(import.meta.dirname), "..", "..");
  const onPath = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...onPath, join(root, ".tools", "bin")].map((folder) => join(folder, executable));
}

async function inspect(path: string, signal?: AbortSignal): Promise<BrokerBinary | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await promisify(execFile)(path, ["--version"], {
      timeout: VERSION_TIMEOUT_MS,
      encoding: "utf8",
      ...(signal === undefined ? {} : { signal }),
    });
    const version = /v?(\d+\.\d+\.\d+[\w.+-]*)/.exec(stdout)?.[1];
    return version === undefined ? undefined : { path, version };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Error) return undefined;
    throw error;
  }
}
