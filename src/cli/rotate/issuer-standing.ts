// What a rotation of the issuer's key finds in the data directory: the keys, the issuer's newest
// certificate, and whom which key certified. Reads only.
import { CellError } from "../../errors/cell-error.ts";
import { readCellConfig } from "../../runtime/cell-config.ts";
import { ISSUER, OPERATOR } from "../../runtime/create-cell.ts";
import { readIfThere } from "../../runtime/replace-file.ts";
import { equalBytes } from "../../security/bytes.ts";
import { fingerprintOf } from "../../security/keys/fingerprint.ts";
import { SEED_BYTES, SigningKey } from "../../security/keys/signing-key.ts";
import type { Certificate } from "../../security/trust/certificate.ts";
import type { Genesis } from "../../security/trust/genesis.ts";
import { readGenesisFile, readTrust } from "../cell-keys.ts";
import type { Context } from "../context.ts";
import { filesOf, type RotationFiles } from "./files.ts";
import { must } from "./steps.ts";

export type IssuerStanding = {
  readonly context: Context;
  readonly genesis: Genesis;
  readonly genesisKey: SigningKey;
  /** Of this directory: what publishes. */
  readonly node: string;
  readonly files: RotationFiles;
  readonly current: SigningKey;
  readonly next: SigningKey | undefined;
  readonly newest: Certificate;
};

/** The genesis key has to be here, and this directory's key be the issuer's. */
export async function issuerStanding(context: Context): Promise<IssuerStanding> {
  const { dir } = context;
  const { node } = await readCellConfig(dir);
  const genesis = await readGenesisFile(dir);
  const files = filesOf(dir.issuerKey);
  const genesisKey = await keyIn(dir.genesisKey);
  if (genesisKey === undefined)
    throw new CellError("CELL_KEY_DAMAGED", "the genesis key is not in the data directory", {
      where: dir.genesisKey,
      remedy: "Bring it back for this with `cell0 keys genesis --import FILE`.",
    });
  if (!equalBytes(genesisKey.publicKey, genesis.genesisKey))
    throw new CellError("CELL_KEY_DAMAGED", "this is not the key of this cell's genesis", {
      where: dir.genesisKey,
    });
  const current = await keyIn(files.current);
  if (current === undefined)
    throw new CellError("CLI_NEEDS_LOCAL_CELL", "the issuer's key is not in the data directory", {
      where: files.current,
    });
  const trust = await readTrust(dir, genesis);
  const newest = must(trust.byPrincipal(ISSUER, Date.now()));
  const next = await keyIn(files.next);
  return { context, genesis, genesisKey, node, files, current, next, newest };
}

/** Nodes know the next key, which follows this directory's; the file is not switched yet. */
export const isEstablished = ({ newest, next, current }: IssuerStanding): boolean =>
  next !== undefined &&
  newest.continuity !== undefined &&
  equalBytes(newest.key, next.publicKey) &&
  equalBytes(newest.continuity.previousKey, current.publicKey);

async function keyIn(path: string): Promise<SigningKey | undefined> {
  const seed = await readIfThere(path);
  if (seed === undefined) return undefined;
  if (seed.length !== SEED_BYTES)
    throw new CellError("CELL_KEY_DAMAGED", `a key has ${SEED_BYTES} bytes`, { where: path });
  return SigningKey.fromSeed(seed);
}

/**
 * Newest certificates of nodes and clients, withdrawn ones too: a withdrawal is not to fall with the key.
 * @param issuer whose key before is taken to count still: whom it certified is not known later
 */
export async function others(
  { context, genesis }: IssuerStanding,
  issuer: Certificate,
): Promise<readonly Certificate[]> {
  const endUnixMs = issuer.continuity?.preserveUntilUnixMs ?? Number.POSITIVE_INFINITY;
  const trust = await readTrust(context.dir, genesis, Math.min(Date.now(), endUnixMs - 1));
  const all = trust.snapshot(Date.now());
  return all.flatMap(({ certificate }) => (certificate.kind === "issuer" ? [] : [certificate]));
}

export const signedBy = (all: readonly Certificate[], key: Uint8Array): readonly Certificate[] =>
  all.filter(({ signer }) => equalBytes(signer, key));

/** Whom the key before certified. What any other signed is not made good again. */
export async function left(standing: IssuerStanding, issuer: Certificate): Promise<readonly Certificate[]> {
  const { continuity } = issuer;
  return continuity === undefined ? [] : signedBy(await others(standing, issuer), continuity.previousKey);
}

/** Without them the cell cannot be asked for anything any more. */
export const isVital = ({ principal, kind, revoked }: Certificate): boolean =>
  !revoked && (kind === "node" || principal === OPERATOR);

/** Without these two this command cannot. */
export const isOwn = ({ node }: IssuerStanding, { principal }: Certificate): boolean =>
  principal === node || principal === OPERATOR;

export type Named = Pick<Certificate, "principal" | "kind" | "revoked"> & { readonly keyFingerprint: string };

export const named = (all: readonly Certificate[]): readonly Named[] =>
  all.map(({ principal, kind, revoked, key }) => ({
    principal,
    kind,
    revoked,
    keyFingerprint: fingerprintOf(key),
  }));
