// Rotates the issuer's key. Genesis certifies the next one, which the key before agrees to; then everybody
// that the key before certified is certified anew, keys and all else as they are, while both count.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { CellError } from "../../errors/cell-error.ts";
import { readCellConfig } from "../../runtime/cell-config.ts";
import { ISSUER, OPERATOR } from "../../runtime/create-cell.ts";
import { readIfThere, replaceFile } from "../../runtime/replace-file.ts";
import { equalBytes } from "../../security/bytes.ts";
import { fingerprintOf } from "../../security/keys/fingerprint.ts";
import { SEED_BYTES, SigningKey } from "../../security/keys/signing-key.ts";
import { type Certificate, issueCertificate } from "../../security/trust/certificate.ts";
import type { Genesis } from "../../security/trust/genesis.ts";
import { agree, endingClaims, successorClaims } from "../../security/trust/succession.ts";
import type { TrustStore } from "../../security/trust/trust-store.ts";
import { readGenesisFile, readTrust } from "../cell-keys.ts";
import { confirm } from "../confirm.ts";
import type { Context } from "../context.ts";
import { formatTime } from "../duration.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { KernelClient } from "../kernel-client.ts";
import { counted } from "../render/text.ts";
import { filesOf, type RotationFiles, removeFile, switchFiles } from "./files.ts";
import {
  isPending,
  must,
  preserveFrom,
  publishEverywhere,
  type RotateOptions,
  requireSettled,
  step,
  undo,
} from "./steps.ts";

type Standing = {
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

/** Of looking for those who were certified with the key before meanwhile. */
const PASSES = 4;

export async function rotateIssuer(context: Context, options: RotateOptions): Promise<ExitCode> {
  const standing = await step(context, "preserve", () => standingOf(context));
  if (options.remove === true) return await removeIssuer(standing, options);
  const { newest, files, current } = standing;
  const isGoingOn = isEstablished(standing);
  if (!isGoingOn) requireSettled(newest);
  if (!isGoingOn && !equalBytes(newest.key, current.publicKey)) throw notInForce(files.current);
  for (const each of await others(standing)) requireSettled(each);
  await confirm(context, "Rotate the issuer's key, and certify everybody anew?", options.yes === true);
  const next = standing.next ?? (await makeKey(files));
  const certificate = isGoingOn ? newest : makeCertificate(standing, next, options);
  const kernel = await context.kernel();
  try {
    await step(context, "establish", () => publishEverywhere(kernel, standing, certificate));
    await step(context, "test", () => testIssuer(kernel, standing, next));
  } catch (error) {
    await undo(context, error, certificate, () => giveBack(kernel, standing, certificate));
  }
  const renewed = await step(context, "switch", async () => {
    const before = await renew(kernel, standing, certificate, next);
    await switchFiles(files);
    // Who was certified meanwhile, with the key before.
    return before + (await renew(kernel, standing, certificate, next));
  });
  return told(context, certificate, renewed);
}

/** The genesis key has to be here, and this directory's key be the issuer's. */
async function standingOf(context: Context): Promise<Standing> {
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
const isEstablished = ({ newest, next, current }: Standing): boolean =>
  next !== undefined &&
  newest.continuity !== undefined &&
  equalBytes(newest.key, next.publicKey) &&
  equalBytes(newest.continuity.previousKey, current.publicKey);

const notInForce = (where: string): CellError =>
  new CellError("CELL_KEY_DAMAGED", "the issuer's newest certificate is of another key", {
    where,
    remedy: "Restore keys/ and trust/ from one backup.",
  });

async function keyIn(path: string): Promise<SigningKey | undefined> {
  const seed = await readIfThere(path);
  if (seed === undefined) return undefined;
  if (seed.length !== SEED_BYTES)
    throw new CellError("CELL_KEY_DAMAGED", `a key has ${SEED_BYTES} bytes`, { where: path });
  return SigningKey.fromSeed(seed);
}

/** On the disk before anybody hears of it. */
async function makeKey({ next }: RotationFiles): Promise<SigningKey> {
  await replaceFile(next, randomBytes(SEED_BYTES));
  return SigningKey.fromSeed(await readFile(next));
}

function makeCertificate(standing: Standing, next: SigningKey, options: RotateOptions): Certificate {
  const { newest, current, genesis, genesisKey } = standing;
  const claims = successorClaims(newest, next.publicKey, preserveFrom(options));
  return must(issueCertificate(claims, genesisKey, genesis.hash, agree(claims, current, genesis.hash)));
}

const trustOf = ({ context, genesis }: Standing): Promise<TrustStore> => readTrust(context.dir, genesis);

/** Newest certificates of nodes and clients, withdrawn ones too: a withdrawal is not to fall with the key. */
async function others(standing: Standing): Promise<readonly Certificate[]> {
  const all = (await trustOf(standing)).snapshot(Date.now());
  return all.flatMap(({ certificate }) => (certificate.kind === "issuer" ? [] : [certificate]));
}

/** The next key certifies the operator, whom every node has to answer then. */
async function testIssuer(kernel: KernelClient, standing: Standing, next: SigningKey): Promise<void> {
  await certifyOperator(kernel, standing, next);
  for (const { node, answers } of await kernel.nodes()) if (answers) await kernel.status(node);
}

async function certifyOperator(kernel: KernelClient, standing: Standing, by: SigningKey): Promise<void> {
  const known = (await others(standing)).find(({ principal }) => principal === OPERATOR);
  if (known === undefined || known.revoked || equalBytes(known.signer, by.publicKey)) return;
  await publishEverywhere(
    kernel,
    standing,
    must(issueCertificate(endingClaims(known), by, standing.genesis.hash)),
  );
}

/** First whom the next key has certified: it falls with that key. */
async function giveBack(kernel: KernelClient, standing: Standing, established: Certificate): Promise<void> {
  const { current, genesis, genesisKey, files } = standing;
  await certifyOperator(kernel, standing, current);
  const claims = endingClaims(established, current.publicKey);
  await publishEverywhere(kernel, standing, must(issueCertificate(claims, genesisKey, genesis.hash)));
  await removeFile(files.next);
}

/** Whom the key before certified. What any other signed is not made good again. */
async function left(standing: Standing, { continuity }: Certificate): Promise<readonly Certificate[]> {
  if (continuity === undefined) return [];
  return (await others(standing)).filter(({ signer }) => equalBytes(signer, continuity.previousKey));
}

/** Certifies those anew. Then every node has heard of them: the stream keeps their order. */
async function renew(
  kernel: KernelClient,
  standing: Standing,
  established: Certificate,
  next: SigningKey,
): Promise<number> {
  let renewed = 0;
  for (let pass = 0; pass < PASSES; pass += 1) {
    const waiting = await left(standing, established);
    if (waiting.length === 0) return renewed;
    const made = waiting.map((each) =>
      must(issueCertificate(endingClaims(each), next, standing.genesis.hash)),
    );
    for (const { bytes } of made.slice(0, -1)) await kernel.addCertificate(standing.node, bytes);
    const last = made.at(-1);
    if (last !== undefined) await publishEverywhere(kernel, standing, last);
    renewed += made.length;
  }
  throw new CellError("CLI_ROTATION_STOPPED", "others are certified by the key before all the time");
}

async function removeIssuer(standing: Standing, options: RotateOptions): Promise<ExitCode> {
  const { context, newest, current, genesis, genesisKey, files } = standing;
  const waiting = await left(standing, newest);
  if (!equalBytes(newest.key, current.publicKey) || (isPending(newest) && waiting.length > 0))
    throw new CellError("CLI_ROTATION_PENDING", "not everybody is certified by the issuer's next key yet", {
      remedy: "Run it without `--remove` first: it goes on where it stopped.",
    });
  const wasPending = isPending(newest);
  let generation = newest.generation;
  if (wasPending) {
    await confirm(context, "End the issuer's key before now?", options.yes === true);
    await step(context, "remove", async () => {
      const ended = must(issueCertificate(endingClaims(newest), genesisKey, genesis.hash));
      await publishEverywhere(await context.kernel(), standing, ended);
      generation = ended.generation;
    });
  }
  await removeFile(files.old);
  context.print(
    wasPending
      ? "The issuer's key before certifies nobody any more, and is gone."
      : "No key counts beside the issuer's newest.",
  );
  const keyFingerprint = fingerprintOf(newest.key);
  context.printJson({ principal: ISSUER, generation, keyFingerprint, removed: wasPending });
  return exitCodes.ok;
}

function told(context: Context, { generation, key, continuity }: Certificate, renewed: number): ExitCode {
  const preserveUntilUnixMs = continuity?.preserveUntilUnixMs ?? 0;
  context.print(
    [
      `The issuer has key ${fingerprintOf(key)}, generation ${generation}; ${counted(renewed, "principal")} certified anew.`,
      `The one before counts until ${formatTime(preserveUntilUnixMs)} UTC; \`--remove\` ends it at once.`,
      "Take the genesis key offline again: cell0 keys genesis --export FILE",
    ].join("\n"),
  );
  context.printJson({
    principal: ISSUER,
    generation,
    keyFingerprint: fingerprintOf(key),
    follows: continuity && fingerprintOf(continuity.previousKey),
    preserveUntilUnixMs,
    renewed,
  });
  return exitCodes.ok;
}
