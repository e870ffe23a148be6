// A new principal, step by step: its file is written first, then the cell is
// told, then the file is tried. What fails leaves no file behind.
import { open, rm } from "node:fs/promises";
import { CellError } from "../errors/cell-error.ts";
import { makeIdentity, type NewIdentity } from "../runtime/create-cell.ts";
import { fingerprintOf } from "../security/keys/fingerprint.ts";
import type { Certificate } from "../security/trust/certificate.ts";
import type { CellKeys } from "./cell-keys.ts";
import type { Context } from "./context.ts";

export type NewPrincipal = Omit<NewIdentity, "generation"> & {
  /** Replaces the key of a principal that counts already. */
  readonly replace: boolean;
};

export type MadeIdentity = {
  readonly certificate: Certificate;
  readonly file: string;
  readonly fingerprint: string;
};

/** Throws CLI_FILE_EXISTS, CLI_USAGE when the name is taken, and what the cell refuses. */
export async function addPrincipal(
  context: Context,
  keys: CellKeys,
  principal: NewPrincipal,
  file: string,
): Promise<MadeIdentity> {
  const { replace, ...identity } = principal;
  const generation = nextGeneration(keys, identity, replace);
  const { certificate, creds } = await makeIdentity(keys.maker, { ...identity, generation });
  await writeNewFile(file, creds);
  try {
    const kernel = await context.kernel();
    await kernel.addCertificate(keys.node, certificate.bytes);
    await (await context.open(creds, file)).close();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return { certificate, file, fingerprint: fingerprintOf(certificate.key) };
}

function nextGeneration(keys: CellKeys, identity: Omit<NewIdentity, "generation">, replace: boolean): number {
  const { principal, kind } = identity;
  const known = keys.trust.newest(principal);
  if (known === undefined) return 1;
  const wanted = kind === "node" ? "node" : "client";
  if (known.kind !== wanted) {
    throw new CellError("CLI_USAGE", `"${principal}" is the name of ${article(known.kind)} already`, {
      remedy: "Choose another name.",
    });
  }
  if (keys.trust.byPrincipal(principal, Date.now()).ok && !replace) {
    throw new CellError("CLI_USAGE", `there is ${article(wanted)} "${principal}" already`, {
      remedy: "Choose another name, or give `--replace` to give it a new key; its old file is void then.",
    });
  }
  return known.generation + 1;
}

const article = (kind: string): string => (kind === "issuer" ? "an issuer" : `a ${kind}`);

/** Readable by its owner only; never over something that is there. Throws CLI_FILE_EXISTS. */
export async function writeNewFile(path: string, content: string | Uint8Array): Promise<void> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, "wx", 0o600);
  } catch (cause) {
    const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    if (exists) throw new CellError("CLI_FILE_EXISTS", undefined, { where: path, cause });
    throw cause;
  }
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
