// A data directory as the first start makes it, with a revision in it.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createCell } from "../../src/runtime/create-cell.ts";
import { type DataDir, dataDir } from "../../src/runtime/data-dir.ts";
import { openMirror } from "../../src/runtime/record-mirror.ts";
import { parseCreds, signingKeyOf } from "../../src/security/identity/creds-file.ts";
import { readGenesis } from "../../src/security/trust/genesis.ts";
import { signRevision, verifyRevision } from "../../src/security/trust/revision.ts";
import { TrustStore } from "../../src/security/trust/trust-store.ts";

export type MadeCell = AsyncDisposable & { readonly parent: string; readonly dir: DataDir };

/** @param revisions how many to sign, each chained to the one before */
export async function madeCell(revisions = 0): Promise<MadeCell> {
  const parent = await mkdtemp(join(tmpdir(), "cell0-cli-"));
  const dir = dataDir(join(parent, "data"));
  await createCell(dir, { cell: "local", node: "a" });
  await addRevisions(dir, revisions);
  return {
    parent,
    dir,
    async [Symbol.asyncDispose]() {
      await rm(parent, { recursive: true, force: true });
    },
  };
}

async function addRevisions(dir: DataDir, count: number): Promise<void> {
  const identity = parseCreds(await readFile(dir.nodeCreds, "utf8"));
  const genesis = readGenesis(await readFile(dir.genesis));
  if (!identity.ok || !genesis.ok) throw new Error("the cell was not made");
  const trust = new TrustStore(genesis.value);
  for (const { bytes } of identity.value.certificates) trust.add(bytes, Date.now());
  const mirror = await openMirror(dir.revisions, "rev");
  let previousHash: Uint8Array = new Uint8Array();
  for (let revision = 1; revision <= count; revision += 1) {
    const signed = signRevision(
      {
        revision,
        createdUnixMs: Date.now(),
        author: "operator",
        graph: gzipSync(JSON.stringify({ roots: [], clients: [], placed: {} })),
        rollbackOf: 0,
        previousHash,
        causeId: new Uint8Array(),
      },
      signingKeyOf(identity.value),
      genesis.value.hash,
    );
    if (!signed.ok) throw signed.error;
    const verified = verifyRevision(signed.value, trust, Date.now());
    if (!verified.ok) throw verified.error;
    previousHash = verified.value.bodyHash;
    await mirror.put(String(revision), signed.value);
  }
}
