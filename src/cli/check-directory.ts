// Whether a data directory holds together: every certificate chains to its
// genesis, every revision is signed by a node or sealed by its successor's hash,
// what is revoked was signed by the authority, every key fits its certificate, every secret opens. Reads only.

import { readFile } from "node:fs/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { CellError } from "../errors/cell-error.ts";
import { RevisionBodySchema, SignedRevisionSchema } from "../gen/cell0/v1/trust_pb.ts";
import { readCellConfig } from "../runtime/cell-config.ts";
import { type DataDir, dataDir } from "../runtime/data-dir.ts";
import { openMirror } from "../runtime/record-mirror.ts";
import { equalBytes, sha256 } from "../security/bytes.ts";
import { parseCreds } from "../security/identity/creds-file.ts";
import { SEED_BYTES, SigningKey } from "../security/keys/signing-key.ts";
import { verifyByRule } from "../security/keys/verify.ts";
import { openSecrets } from "../security/secrets.ts";
import { hasValidSignature, issuersFirst, readCertificate } from "../security/trust/certificate.ts";
import { beginsUnixMs } from "../security/trust/continuity.ts";
import type { Genesis } from "../security/trust/genesis.ts";
import { verifyRevision } from "../security/trust/revision.ts";
import { TrustStore } from "../security/trust/trust-store.ts";
import { revisionInput } from "../security/wire/signing-input.ts";
import { readGenesisFile, readRevocationList } from "./cell-keys.ts";

export type DirectorySummary = {
  readonly certificates: number;
  readonly revisions: number;
  readonly secrets: number;
};

/** Throws CLI_BACKUP_INVALID and what the readers of each file throw. */
export async function checkDirectory(root: string): Promise<DirectorySummary> {
  const dir = dataDir(root);
  const config = await readCellConfig(dir);
  const genesis = await readGenesisFile(dir);
  if (genesis.cell !== config.cell)
    throw invalid("cell.json and genesis.bin are of different cells", dir.cell);
  const { trust, certificates } = await checkCertificates(dir, genesis);
  await checkKeys(dir, genesis, trust);
  const revisions = await checkRevisions(dir, trust);
  await readRevocationList(dir, genesis);
  const secrets = openSecrets({ directory: dir.secrets, keyFile: dir.secretsKey });
  const names = await secrets.list();
  for (const { name } of names) await secrets.get(name);
  return { certificates, revisions, secrets: names.length };
}

async function checkCertificates(
  dir: DataDir,
  genesis: Genesis,
): Promise<{ readonly trust: TrustStore; readonly certificates: number }> {
  const trust = new TrustStore(genesis);
  const records = await (await openMirror(dir.trust, "cert")).all();
  for (const [name, bytes] of records) {
    const certificate = readCertificate(bytes);
    if (!certificate.ok) throw invalid(certificate.error.message, `trust/${name}.cert`, certificate.error);
    if (certificate.value.principal !== name || !hasValidSignature(certificate.value, genesis.hash)) {
      throw invalid("the certificate's signature is not valid in this cell", `trust/${name}.cert`);
    }
  }
  // An issuer's key that follows another does not count before: what is older was certified by it anew.
  let begunUnixMs = 0;
  for (const bytes of issuersFirst(records.values())) {
    const certificate = readCertificate(bytes);
    // An issuer that expired since makes this fail, though the record itself is sound.
    if (!certificate.ok) continue;
    const { kind, notBeforeUnixMs } = certificate.value;
    if (kind === "issuer") begunUnixMs = Math.max(begunUnixMs, beginsUnixMs(certificate.value));
    trust.add(bytes, Math.max(notBeforeUnixMs, begunUnixMs));
  }
  const retired = await (await openMirror(dir.trust, "retired")).all();
  for (const bytes of issuersFirst(retired.values())) trust.restoreRetired(bytes, Date.now());
  for (const name of records.keys()) {
    if (trust.newest(name) === undefined)
      throw invalid("the certificate does not chain to genesis", `trust/${name}.cert`);
  }
  return { trust, certificates: records.size };
}

async function checkKeys(dir: DataDir, genesis: Genesis, trust: TrustStore): Promise<void> {
  const genesisKey = await seedIfThere(dir.genesisKey);
  if (genesisKey !== undefined && !equalBytes(genesisKey.publicKey, genesis.genesisKey)) {
    throw invalid("the genesis key is another cell's", "keys/genesis.key");
  }
  const issuer = await seedIfThere(dir.issuerKey);
  // A rotation can be under way: then its key is the one that the newest one follows.
  if (
    issuer !== undefined &&
    !trust
      .snapshot(0)
      .some(({ certificate: { key, continuity } }) =>
        [key, continuity?.previousKey].some((each) => each && equalBytes(each, issuer.publicKey)),
      )
  ) {
    throw invalid("the issuer's key has no certificate", "keys/issuer.key");
  }
  for (const [path, name] of [
    [dir.nodeCreds, "node.creds"],
    [dir.operatorCreds, "operator.creds"],
  ] as const) {
    const text = await readIfThere(path);
    if (text === undefined) continue;
    const identity = parseCreds(Buffer.from(text).toString("utf8"));
    if (!identity.ok) throw invalid(identity.error.message, name, identity.error);
    if (!equalBytes(identity.value.genesis.hash, genesis.hash))
      throw invalid("the identity is another cell's", name);
  }
}

/**
 * Newest first. Each must bear its signer's signature; the signer must count in
 * the cell, or, where its key was replaced since, the successor's hash vouch for it.
 */
async function checkRevisions(dir: DataDir, trust: TrustStore): Promise<number> {
  const records = await (await openMirror(dir.revisions, "rev")).all();
  const newestFirst = [...records].sort(([left], [right]) => Number(right) - Number(left));
  let successor: RevisionFacts | undefined;
  // Keys that follow others do not count before.
  const begunUnixMs = trust
    .snapshot(0)
    .reduce((latest, { certificate }) => Math.max(latest, beginsUnixMs(certificate)), 0);
  for (const [name, bytes] of newestFirst) {
    const where = `revisions/${name}.rev`;
    const facts = readRevision(bytes, trust.genesis, where);
    if (String(facts.revision) !== name) throw invalid("its name is not its number", where);
    if (successor !== undefined) {
      const expected = successor.revision - 1;
      if (facts.revision !== expected) throw invalid(`revision ${expected} is missing`, where);
      if (!equalBytes(successor.previousHash, facts.bodyHash)) {
        throw invalid("its successor names another hash", where);
      }
    }
    const signed = verifyRevision(bytes, trust, Math.max(facts.createdUnixMs, begunUnixMs));
    if (!signed.ok && successor === undefined) throw invalid(signed.error.message, where, signed.error);
    successor = facts;
  }
  return records.size;
}

type RevisionFacts = {
  readonly revision: number;
  readonly createdUnixMs: number;
  readonly previousHash: Uint8Array;
  readonly bodyHash: Uint8Array;
};

function readRevision(bytes: Uint8Array, genesis: Genesis, where: string): RevisionFacts {
  try {
    const { body, signer, signature } = fromBinary(SignedRevisionSchema, bytes);
    if (!verifyByRule(signer, revisionInput(genesis.hash, body), signature)) {
      throw invalid("its signature is not valid", where);
    }
    const { revision, previousHash, createdUnixMs } = fromBinary(RevisionBodySchema, body);
    return {
      revision: Number(revision),
      createdUnixMs: Number(createdUnixMs),
      previousHash,
      bodyHash: sha256(body),
    };
  } catch (cause) {
    if (cause instanceof CellError) throw cause;
    throw invalid("the revision cannot be read", where, cause);
  }
}

async function seedIfThere(path: string): Promise<SigningKey | undefined> {
  const seed = await readIfThere(path);
  if (seed === undefined) return undefined;
  if (seed.length !== SEED_BYTES) throw invalid("the key has the wrong length", path);
  return SigningKey.fromSeed(seed);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

const invalid = (what: string, where: string, cause?: unknown): CellError =>
  new CellError("CLI_BACKUP_INVALID", what, { where, ...(cause === undefined ? {} : { cause }) });
