// Everything before the first process: the directory's lock, the cell in it (made,
// joined or found), its permissions, and the broker's configuration.
import { lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CellError } from "../errors/cell-error.ts";
import { sha256, toHex } from "../security/bytes.ts";
import { parseBrokerAuthority } from "../transport/broker/authority.ts";
import { type BrokerConfigOptions, brokerConfig } from "../transport/broker/config.ts";
import { issueDoorkeeper } from "../transport/broker/user.ts";
import { type BrokerSync, type CellConfig, readCellConfig } from "./cell-config.ts";
import { createCell, freePort } from "./create-cell.ts";
import type { DataDir } from "./data-dir.ts";
import { joinCell, readJoinFile } from "./join-cell.ts";
import { type DirectoryLock, lockDirectory } from "./lock.ts";

export type PrepareOptions = {
  /** Name of the cell to make; the default is "local". */
  readonly cell?: string;
  /** Name of the node to make; the default is "a". */
  readonly node?: string;
  readonly port?: number;
  /** Of the embedded broker, from this start on. */
  readonly brokerSync?: BrokerSync;
  /** For browsers, of the embedded broker, until it stops; absent: none. Port 0: any free one. */
  readonly websocket?: { readonly port: number; readonly origins: readonly string[] };
  /** File made by `cell0 node add`. */
  readonly join?: string;
};

const DEFAULT_NODE = "a";

export type PreparedNode = {
  readonly config: CellConfig;
  /** SHA-256 of the genesis, hex. */
  readonly genesisHash: string;
  /** Whether the cell or the node was made just now. */
  readonly made: "cell" | "node" | "nothing";
  /** Where browsers connect. */
  readonly websocketUrl?: string;
  readonly lock: DirectoryLock;
};

/** Throws CELL_DIRECTORY_HELD, CELL_DIRECTORY_UNSAFE, CELL_OPTION_CONFLICT and what making or joining throws; then nothing is held. */
export async function prepareNode(dir: DataDir, options: PrepareOptions): Promise<PreparedNode> {
  await mkdir(dir.root, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(dir, await nodeName(dir, options));
  try {
    const found = await findCell(dir);
    const made = found === undefined ? (options.join === undefined ? "cell" : "node") : "nothing";
    if (found !== undefined) refuseConflicts(dir, found, options);
    const config = await withSync(dir, found ?? (await makeCell(dir, options)), options.brokerSync);
    await requirePrivate(dir);
    for (const path of [dir.run, dir.brokerDirectory, dir.coreDirectory, dir.logDirectory]) {
      await mkdir(path, { recursive: true, mode: 0o700 });
    }
    await requireOwn(dir.run);
    const websocket = await listenerOf(dir, config, options.websocket);
    if (config.broker.embedded) await writeBrokerConfig(dir, config, websocket);
    const genesisHash = toHex(sha256(await readFile(dir.genesis)));
    const url = websocket === undefined ? {} : { websocketUrl: `ws://127.0.0.1:${websocket.port}` };
    return { config, genesisHash, made, lock, ...url };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Name of the node for the lock: what was made here, what the join file says, what is asked for. */
async function nodeName(dir: DataDir, options: PrepareOptions): Promise<string> {
  const found = await findCell(dir);
  if (found !== undefined) return found.node;
  if (options.join === undefined) return options.node ?? DEFAULT_NODE;
  return (await readJoinFile(options.join)).identity.principal;
}

/** Removes what only a running node has: sockets, and the directory for them. */
export async function tidyUp(dir: DataDir, lock: DirectoryLock): Promise<void> {
  await rm(dir.run, { recursive: true, force: true });
  await lock.release();
}

async function findCell(dir: DataDir): Promise<CellConfig | undefined> {
  try {
    return await readCellConfig(dir);
  } catch (error) {
    if (!(error instanceof CellError) || error.code !== "CELL_NOT_FOUND") throw error;
    return undefined;
  }
}

async function makeCell(dir: DataDir, options: PrepareOptions): Promise<CellConfig> {
  if (options.join !== undefined) return await joinCell(dir, options.join);
  const { cell = "local", node = DEFAULT_NODE, port, brokerSync: sync } = options;
  const given = { ...(port === undefined ? {} : { port }), ...(sync === undefined ? {} : { sync }) };
  return await createCell(dir, { cell, node, ...given });
}

/** Keeps what is asked for in cell.json. Throws CELL_OPTION_CONFLICT where another one runs the broker. */
async function withSync(dir: DataDir, found: CellConfig, sync: BrokerSync | undefined): Promise<CellConfig> {
  if (sync === undefined || sync === found.broker.sync) return found;
  if (!found.broker.embedded) {
    throw new CellError("CELL_OPTION_CONFLICT", "--broker-sync is for the node that runs the broker", {
      where: dir.cell,
    });
  }
  const config = { ...found, broker: { ...found.broker, sync } };
  await writeFile(`${dir.cell}.new`, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(`${dir.cell}.new`, dir.cell);
  return config;
}

function refuseConflicts(dir: DataDir, found: CellConfig, options: PrepareOptions): void {
  const stated: readonly (readonly [string, unknown, unknown])[] = [
    ["--cell", options.cell, found.cell],
    ["--node", options.node, found.node],
    ["--port", options.port, found.broker.port],
  ];
  for (const [option, wanted, fixed] of stated) {
    if (wanted !== undefined && wanted !== fixed) {
      throw new CellError(
        "CELL_OPTION_CONFLICT",
        `${option} ${wanted} was asked for, but it is ${fixed} here`,
        {
          where: dir.cell,
        },
      );
    }
  }
}

/** Keys that others could read are no keys. */
async function requirePrivate(dir: DataDir): Promise<void> {
  if (process.platform === "win32") return;
  const keys = await readdir(dir.keys).catch(() => []);
  const paths = [dir.root, dir.nodeCreds, ...keys.map((name) => join(dir.keys, name))];
  for (const path of paths) {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) {
      throw new CellError(
        "CELL_DIRECTORY_UNSAFE",
        `others may access it (mode ${(mode & 0o777).toString(8)})`,
        {
          where: path,
        },
      );
    }
  }
}

/** It may lie in the system's temporary directory, where another user can have made it first. */
async function requireOwn(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const entry = await lstat(path);
  if (entry.isDirectory() && entry.uid === process.geteuid?.() && (entry.mode & 0o077) === 0) return;
  throw new CellError("CELL_DIRECTORY_UNSAFE", "the directory of the sockets is not this user's alone", {
    where: path,
    remedy: "Remove it, or give a shorter `--data-dir`, so that the sockets lie within.",
  });
}

type Listener = NonNullable<BrokerConfigOptions["websocket"]>;

/** Throws CELL_OPTION_CONFLICT where another one runs the broker, CELL_PORT_TAKEN. */
async function listenerOf(
  dir: DataDir,
  { broker }: CellConfig,
  wanted: PrepareOptions["websocket"],
): Promise<Listener | undefined> {
  if (wanted === undefined) return undefined;
  if (!broker.embedded) {
    throw new CellError("CELL_OPTION_CONFLICT", "--websocket is for the node that runs the broker", {
      where: dir.cell,
    });
  }
  const port = await freePort(wanted.port);
  if (port === broker.port) throw new CellError("CELL_PORT_TAKEN", undefined, { where: broker.url });
  return { port, allowedOrigins: wanted.origins };
}

async function writeBrokerConfig(
  dir: DataDir,
  { cell, node, broker }: CellConfig,
  websocket: Listener | undefined,
): Promise<void> {
  const authority = parseBrokerAuthority(await readFile(dir.brokerAuthority, "utf8"));
  const text = brokerConfig({
    port: broker.port ?? -1,
    storeDir: join(dir.brokerDirectory, "jetstream"),
    serverName: `cell0-${cell}-${node}`,
    authority,
    syncInterval: broker.sync ?? "1s",
    ...(websocket === undefined ? {} : { websocket }),
  });
  await writeFile(dir.brokerConfig, text, { mode: 0o600 });
  await writeFile(dir.doorkeeperCreds, (await issueDoorkeeper(authority)).creds, { mode: 0o600 });
}
