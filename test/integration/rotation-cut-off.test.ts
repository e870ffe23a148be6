// A rotation of the issuer's key that is cut off before anybody is certified anew, and left so until its time
// is over: no node of the cell answers any more. It goes on while the cell is down.
import { readFile, rm, writeFile } from "node:fs/promises";
import { expect, it, vi } from "vitest";
import { readGenesisFile, readTrust } from "../../src/cli/cell-keys.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import { issueCertificate } from "../../src/security/trust/certificate.ts";
import { agree, successorClaims } from "../../src/security/trust/succession.ts";
import { cell0, type LiveCell, makeDirectory, startCell } from "./live-cell.ts";
import { makeWorkspace } from "./workspace.ts";

/** As the command does up to there, but with a shorter time than it takes. */
async function establishAndLeave({ dir, kernel }: LiveCell): Promise<void> {
  const genesis = await readGenesisFile(dir);
  const known = (await readTrust(dir, genesis)).newest("issuer");
  if (known === undefined) throw new Error("there is no issuer");
  const seed = Buffer.alloc(32, 42);
  const issuedUnixMs = Date.now();
  const claims = successorClaims(known, SigningKey.fromSeed(seed).publicKey, {
    issuedUnixMs,
    preserveUntilUnixMs: issuedUnixMs + 1_500,
  });
  const [issuerKey, genesisKey] = [
    SigningKey.fromSeed(await readFile(dir.issuerKey)),
    SigningKey.fromSeed(await readFile(dir.genesisKey)),
  ];
  const consent = agree(claims, issuerKey, genesis.hash);
  const certificate = issueCertificate(claims, genesisKey, genesis.hash, consent);
  if (!certificate.ok) throw certificate.error;
  await writeFile(`${dir.issuerKey}.next`, seed, { mode: 0o600 });
  await kernel.addCertificate("a", certificate.value.bytes);
}

it("is no end of the cell: certified while it is down, all its nodes and clients count again", async () => {
  const workspace = await makeWorkspace();
  const [directory, directoryOfB] = [await makeDirectory(), await makeDirectory()];
  let first: LiveCell | undefined;
  let second: LiveCell | undefined;
  try {
    const cell = await startCell({ directory });
    first = cell;
    const file = workspace.path("b.creds");
    await cell.json("node", "add", "b", "--shards", "128-255", "--out", file);
    second = await startCell({
      directory: directoryOfB,
      up: ["--join", file],
      operator: cell.dir.operatorCreds,
    });
    const shop = workspace.path("shop.creds");
    await cell.json("client", "add", "shop", "--target", "kernel/b/registry", "--out", shop);
    await establishAndLeave(cell);
    await vi.waitFor(() => expect(cell.kernel.status("a")).rejects.toThrow(), {
      timeout: 20_000,
      interval: 200,
    });
    const up = await cell.cli("keys", "rotate", "issuer");
    expect(up).toMatchObject({ code: 1, stderr: expect.stringMatching(/CLI_ROTATION_PENDING.*cell0 down/s) });
    await cell.stop();
    first = undefined;
    const rotated = await cell0(["--data-dir", cell.dir.root, "--json", "keys", "rotate", "issuer"]);
    expect(rotated).toMatchObject({ code: 0 });
    expect(JSON.parse(rotated.stdout)).toMatchObject({ generation: 2, renewed: 4, left: [] });
    const again = await startCell({ directory });
    first = again;
    await vi.waitFor(async () => expect(await again.kernel.status("b")).toMatchObject({ node: "b" }), {
      timeout: 30_000,
      interval: 200,
    });
    const asked = await cell0(["--creds", shop, "send", "kernel/b/registry", "node.status", "{}"]);
    expect(asked).toMatchObject({ code: 0 });
    expect(await again.json("keys", "rotate", "issuer", "--remove")).toMatchObject({ removed: false });
    expect(await again.json("keys", "rotate", "issuer")).toMatchObject({ generation: 3, renewed: 4 });
  } finally {
    await second?.stop();
    await first?.stop();
    await workspace.remove();
    await rm(directory, { recursive: true, force: true });
    await rm(directoryOfB, { recursive: true, force: true });
  }
}, 240_000);
