// The keys of a cell as they lie in the directory in which it was made: what it
// takes to certify somebody. A joined node has none of them.
import { readFile } from "node:fs/promises";
import { CellError } from "../errors/cell-error.ts";
import { readCellConfig } from "../runtime/cell-config.ts";
import { type IdentityMaker, ISSUER } from "../runtime/create-cell.ts";
import type { DataDir } from "../runtime/data-dir.ts";
import { openMirror } from "../runtime/record-mirror.ts";
import { SigningKey } from "../security/keys/signing-key.ts";
import { RevocationList } from "../security/revocation/revocation-list.ts";
import { readRevocations } from "../security/revocation/revocations.ts";
import { issuersFirst } from "../security/trust/certificate.ts";
import { type Genesis, readGenesis } from "../security/trust/genesis.ts";
import { TrustStore } from "../security/trust/trust-store.ts";
import { parseBrokerAuthority } from "../transport/broker/authority.ts";

export type CellKeys = {
  readonly maker: IdentityMaker;
  /** What this node knows of everybody, from its own copy. */
  readonly trust: TrustStore;
  readonly node: string;
};

/** Throws CELL_NOT_FOUND, CLI_NEEDS_LOCAL_CELL, CELL_KEY_DAMAGED. @param brokerUrl for new identities; the cell's by default */
export async function readCellKeys(dir: DataDir, brokerUrl?: string): Promise<CellKeys> {
  const config = await readCellConfig(dir);
  const genesis = await readGenesisFile(dir);
  const trust = await readTrust(dir, genesis);
  const seed = await keyBytes(dir.issuerKey);
  const issuerKey = SigningKey.fromSeed(seed);
  seed.fill(0);
  const authority = parseBrokerAuthority(new TextDecoder().decode(await keyBytes(dir.brokerAuthority)));
  const issuer = trust.byKey(issuerKey.publicKey, Date.now());
  if (!issuer.ok) {
    throw new CellError("CELL_KEY_DAMAGED", "the issuer's key has no valid certificate", {
      where: dir.issuerKey,
      cause: issuer.error,
      remedy: `Restore keys/issuer.key and trust/${ISSUER}.cert from one backup.`,
    });
  }
  const broker = brokerUrl === undefined ? config.broker : { ...config.broker, url: brokerUrl };
  const maker = {
    config: { cell: config.cell, broker },
    genesis,
    issuer: issuer.value,
    issuerKey,
    authority,
  };
  return { maker, trust, node: config.node };
}

/** Throws CELL_KEY_DAMAGED. */
export async function readGenesisFile(dir: DataDir): Promise<Genesis> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(dir.genesis);
  } catch (cause) {
    throw new CellError("CELL_KEY_DAMAGED", "the genesis cannot be read", { where: dir.genesis, cause });
  }
  const genesis = readGenesis(bytes);
  if (genesis.ok) return genesis.value;
  throw new CellError("CELL_KEY_DAMAGED", genesis.error.message, {
    where: dir.genesis,
    cause: genesis.error,
  });
}

/** All certificates of this node's own copy that hold. @param atUnixMs or that held then */
export async function readTrust(dir: DataDir, genesis: Genesis, atUnixMs = Date.now()): Promise<TrustStore> {
  const trust = new TrustStore(genesis);
  const mirror = await openMirror(dir.trust, "cert");
  // What does not hold is not counted.
  for (const bytes of issuersFirst((await mirror.all()).values())) trust.add(bytes, atUnixMs);
  const retired = await openMirror(dir.trust, "retired");
  for (const bytes of issuersFirst((await retired.all()).values())) trust.restoreRetired(bytes, atUnixMs);
  return trust;
}

/** What this node knows to be revoked, from its own copy. Throws CAPABILITY_REVOCATIONS_INVALID. */
export async function readRevocationList(dir: DataDir, genesis: Genesis): Promise<RevocationList> {
  const list = new RevocationList();
  const mirror = await openMirror(dir.revocations, "revoked");
  for (const [name, bytes] of await mirror.all()) {
    const record = readRevocations(bytes, genesis, Date.now());
    if (!record.ok)
      throw new CellError(record.error.code, record.error.message, { where: `revocations/${name}.revoked` });
    list.take(record.value, Date.now());
  }
  return list;
}

async function keyBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new CellError("CLI_NEEDS_LOCAL_CELL", "a key that this takes is not in the data directory", {
      where: path,
      cause,
    });
  }
}
