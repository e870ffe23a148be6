// The genesis key on its way out of the data directory and back. Out: written,
// read back and compared, and only then removed; interrupted anywhere, it is in
// at least one place, and running it again goes on.
import { open, readFile, rm, stat } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { CellError } from "../errors/cell-error.ts";
import { readCellConfig } from "../runtime/cell-config.ts";
import { equalBytes, fromBase64Url, toBase64Url, toHex } from "../security/bytes.ts";
import { SEED_BYTES, SigningKey } from "../security/keys/signing-key.ts";
import type { Genesis } from "../security/trust/genesis.ts";
import { readGenesisFile } from "./cell-keys.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { writeNewFile } from "./identity-file.ts";

const BLOCK = /-----BEGIN CELL0 GENESIS KEY-----\r?\n([A-Za-z0-9_-]{43})\r?\n-----END CELL0 GENESIS KEY-----/;
const MAX_FILE_BYTES = 4_096;

/** Throws CELL_KEY_DAMAGED when the key is not here or is another cell's, CLI_FILE_EXISTS. */
export async function exportGenesisKey(context: Context, file: string): Promise<ExitCode> {
  const { dir } = context;
  const { cell } = await readCellConfig(dir);
  const genesis = await readGenesisFile(dir);
  if (!relative(dir.root, file).startsWith("..")) {
    throw new CellError("CLI_USAGE", "that is inside of the data directory, from which it is to be taken", {
      where: file,
    });
  }
  const seed = await readSeed(dir.genesisKey);
  requireMatch(seed, genesis, dir.genesisKey);
  if (!(await holdsAlready(file, genesis))) await writeNewFile(file, formatKey(cell, genesis, seed));
  requireMatch(await readExported(file), genesis, file);
  await syncDirectory(dirname(file));
  await removeDurably(dir.genesisKey, dirname(dir.genesisKey));
  seed.fill(0);
  context.print(
    [
      `The genesis key of cell ${cell} is in ${file} and nowhere else.`,
      "It was read back and checked before it was removed here. Take it away, keep two copies.",
      "",
      "The cell runs on; nodes and clients can still be added and withdrawn.",
      "Without this file no issuer can be certified: a lost or leaked issuer's key cannot be replaced.",
    ].join("\n"),
  );
  context.printJson({ cell, file, genesisHash: toHex(genesis.hash), removed: dir.genesisKey });
  return exitCodes.ok;
}

/** Throws CELL_KEY_DAMAGED when the file holds no key or another cell's, CLI_FILE_EXISTS when one is here. */
export async function importGenesisKey(context: Context, file: string): Promise<ExitCode> {
  const { dir } = context;
  const { cell } = await readCellConfig(dir);
  const genesis = await readGenesisFile(dir);
  const seed = await readExported(file);
  requireMatch(seed, genesis, file);
  await writeNewFile(dir.genesisKey, seed);
  requireMatch(await readSeed(dir.genesisKey), genesis, dir.genesisKey);
  seed.fill(0);
  context.print(
    `The genesis key of cell ${cell} is back in ${dir.genesisKey}. Take it offline again when you are done.`,
  );
  context.printJson({ cell, file: dir.genesisKey, genesisHash: toHex(genesis.hash) });
  return exitCodes.ok;
}

const formatKey = (cell: string, { hash }: Genesis, seed: Uint8Array): string =>
  `Genesis key of cell "${cell}", genesis ${toHex(hash)}.
Whoever has it can certify issuers, and through them everything in the cell.
-----BEGIN CELL0 GENESIS KEY-----
${toBase64Url(seed)}
-----END CELL0 GENESIS KEY-----
`;

async function readSeed(path: string): Promise<Uint8Array> {
  let seed: Uint8Array;
  try {
    seed = await readFile(path);
  } catch (cause) {
    throw new CellError("CELL_KEY_DAMAGED", "the genesis key is not in the data directory", {
      where: path,
      remedy: "It may be offline already; bring it back with `cell0 keys genesis --import FILE`.",
      cause,
    });
  }
  if (seed.length === SEED_BYTES) return seed;
  throw new CellError("CELL_KEY_DAMAGED", "the genesis key has the wrong length", { where: path });
}

async function readExported(file: string): Promise<Uint8Array> {
  const damaged = () => new CellError("CELL_KEY_DAMAGED", "the file holds no genesis key", { where: file });
  if ((await stat(file)).size > MAX_FILE_BYTES) throw damaged();
  const seed = fromBase64Url(BLOCK.exec(await readFile(file, "utf8"))?.[1] ?? "");
  if (seed?.length !== SEED_BYTES) throw damaged();
  return seed;
}

/** An export that was interrupted after it had been written. */
async function holdsAlready(file: string, genesis: Genesis): Promise<boolean> {
  try {
    return matches(await readExported(file), genesis);
  } catch {
    return false;
  }
}

const matches = (seed: Uint8Array, { genesisKey }: Genesis): boolean =>
  equalBytes(SigningKey.fromSeed(seed).publicKey, genesisKey);

function requireMatch(seed: Uint8Array, genesis: Genesis, where: string): void {
  if (matches(seed, genesis)) return;
  throw new CellError("CELL_KEY_DAMAGED", "this is not the key of this cell's genesis", { where });
}

async function removeDurably(path: string, directory: string): Promise<void> {
  await rm(path);
  await syncDirectory(directory);
}

/** So that a name written or removed is so after a power loss too. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } catch {
    // Some file systems cannot; the file itself was synced.
  } finally {
    await directory.close();
  }
}
