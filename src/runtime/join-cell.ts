// The first start of a further node: what `cell0 node add` wrote, laid out as a
// data directory. It holds no issuer's and no genesis key.
import { readFile } from "node:fs/promises";
import { CellError } from "../errors/cell-error.ts";
import { type ParsedIdentity, parseCreds } from "../security/identity/creds-file.ts";
import type { CellConfig } from "./cell-config.ts";
import { writeDirectory } from "./create-cell.ts";
import type { DataDir } from "./data-dir.ts";

/** Lays the directory out. Throws what readJoinFile throws. */
export async function joinCell(dir: DataDir, joinFile: string): Promise<CellConfig> {
  const { text, identity } = await readJoinFile(joinFile);
  const { cell, principal, broker, certificates, genesis } = identity;
  const config: CellConfig = { version: 1, cell, node: principal, broker: { url: broker, embedded: false } };
  await writeDirectory(dir, [
    ["genesis.bin", genesis.bytes],
    ["node.creds", text],
    ...certificates.map(({ principal: name, bytes }) => [`trust/${name}.cert`, bytes] as const),
    ["cell.json", `${JSON.stringify(config, null, 2)}\n`],
  ]);
  return config;
}

/** Throws the system's error for a file that cannot be read, AUTHORITY_IDENTITY_INVALID, CELL_JOIN_INVALID. */
export async function readJoinFile(
  joinFile: string,
): Promise<{ readonly text: string; readonly identity: ParsedIdentity }> {
  const text = await readFile(joinFile, "utf8");
  const identity = parseCreds(text);
  if (!identity.ok) throw identity.error;
  const { principal, certificate } = identity.value;
  if (certificate.kind === "node") return { text, identity: identity.value };
  const what = `\`${principal}\` is certified as ${certificate.kind}, not as a node`;
  throw new CellError("CELL_JOIN_INVALID", what, { where: joinFile });
}

/** This node's identity. Throws CELL_KEY_DAMAGED. */
export async function readNodeIdentity(dir: Pick<DataDir, "nodeCreds">): Promise<ParsedIdentity> {
  let text: string;
  try {
    text = await readFile(dir.nodeCreds, "utf8");
  } catch (cause) {
    throw new CellError("CELL_KEY_DAMAGED", "the node's identity cannot be read", {
      where: dir.nodeCreds,
      cause,
    });
  }
  const identity = parseCreds(text);
  if (!identity.ok) {
    throw new CellError("CELL_KEY_DAMAGED", identity.error.message, {
      where: dir.nodeCreds,
      cause: identity.error,
    });
  }
  return identity.value;
}
