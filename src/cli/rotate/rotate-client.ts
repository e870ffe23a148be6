// Rotates the key of a client, whose identity file is at hand: the operator's in the data directory,
// any other's where `--file` says.
import { randomBytes } from "node:crypto";
import { CellError } from "../../errors/cell-error.ts";
import { readIfThere, replaceFile } from "../../runtime/replace-file.ts";
import { equalBytes, sha256 } from "../../security/bytes.ts";
import {
  formatCreds,
  type ParsedIdentity,
  parseCreds,
  signingKeyOf,
} from "../../security/identity/creds-file.ts";
import { fingerprintOf } from "../../security/keys/fingerprint.ts";
import { SEED_BYTES, SigningKey } from "../../security/keys/signing-key.ts";
import { type Certificate, issueCertificate } from "../../security/trust/certificate.ts";
import { agree, endingClaims, successorClaims } from "../../security/trust/succession.ts";
import { type CellKeys, readCellKeys } from "../cell-keys.ts";
import { confirm } from "../confirm.ts";
import type { Context } from "../context.ts";
import { formatTime } from "../duration.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { carryToken } from "./carry-token.ts";
import { filesOf, type RotationFiles, realFile, removeFile, switchFiles } from "./files.ts";
import {
  canGoOn,
  isPending,
  must,
  preserveFrom,
  publishEverywhere,
  type RotateOptions,
  requireIssuerSettled,
  requireSettled,
  rotatedToJson,
  step,
  undo,
} from "./steps.ts";

export type RotateClient = RotateOptions & { readonly file: string };

type Standing = {
  readonly keys: CellKeys;
  readonly files: RotationFiles;
  readonly identity: ParsedIdentity;
  readonly newest: Certificate;
  /** What an interrupted run left. */
  readonly next: ParsedIdentity | undefined;
};

export async function rotateClient(context: Context, name: string, options: RotateClient): Promise<ExitCode> {
  const standing = await step(context, "preserve", () => standingOf(context, name, options.file));
  if (options.remove === true) return await removeClient(context, standing, options);
  const isGoingOn = isEstablished(standing);
  if (!isGoingOn) requireSettled(standing.newest);
  await confirm(context, `Rotate the key of client ${name}?`, options.yes === true);
  const next = isGoingOn ? standing.next : await make(standing, options);
  if (next === undefined) throw new CellError("CLI_INTERNAL");
  const { keys, files } = standing;
  // Nothing is left to be undone, and with the operator's file as it is nobody would be heard.
  const isOver = !isPending(next.certificate);
  if (isOver) await step(context, "switch", () => switchFiles(files));
  const kernel = await context.kernel();
  const file = isOver ? files.current : files.next;
  try {
    const nodes = await step(context, "establish", () => publishEverywhere(kernel, keys, next.certificate));
    await step(context, "test", () => testClient(context, file, nodes));
  } catch (error) {
    if (isOver) throw error;
    await undo(context, error, next.certificate, () => giveBack(kernel, standing, next.certificate));
  }
  await step(context, "switch", async () => {
    await carryToken(context, standing.identity, next, file);
    if (!isOver) await switchFiles(files);
  });
  return told(context, next.certificate, files);
}

/** The file in force is the key's that counts, or one that an established one follows. */
async function standingOf(context: Context, name: string, file: string): Promise<Standing> {
  const keys = await readCellKeys(context.dir, context.natsUrl);
  requireIssuerSettled(keys);
  const files = filesOf(await realFile(file));
  const identity = await readCreds(files.current, name, keys);
  if (identity === undefined) {
    const remedy =
      "Give it with `--file`; without the key before there is only `cell0 client add NAME --replace`.";
    throw new CellError("CLI_USAGE", "the client's identity file is not there", { where: file, remedy });
  }
  const newest = keys.trust.newest(name);
  if (newest?.kind !== "client")
    throw new CellError("CLI_TARGET_UNKNOWN", `there is no client "${name}"`, { where: context.dir.trust });
  must(keys.trust.byPrincipal(name, Date.now()));
  const next = await readCreds(files.next, name, keys);
  const standing = { keys, files, identity, newest, next };
  if (equalBytes(newest.key, identity.certificate.key) || isEstablished(standing)) return standing;
  throw new CellError("CLI_USAGE", `the key in this file is not the one of ${name} that counts now`, {
    where: file,
  });
}

/** Nodes know the next key, which follows the file's; that one is not switched yet. */
const isEstablished = ({ newest, next, identity }: Standing): boolean =>
  next !== undefined &&
  newest.continuity !== undefined &&
  equalBytes(newest.key, next.certificate.key) &&
  equalBytes(newest.continuity.previousKey, identity.certificate.key);

async function readCreds(
  path: string,
  name: string,
  { maker }: CellKeys,
): Promise<ParsedIdentity | undefined> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) return undefined;
  const read = parseCreds(new TextDecoder().decode(bytes));
  if (!read.ok) throw new CellError(read.error.code, read.error.message, { where: path });
  if (read.value.principal !== name || !equalBytes(read.value.genesis.hash, maker.genesis.hash))
    throw new CellError("CLI_USAGE", `it is not the identity of ${name} in this cell`, { where: path });
  return read.value;
}

/** The next key is on the disk before anybody hears of it. */
async function make(standing: Standing, options: RotateClient): Promise<ParsedIdentity> {
  const { keys, files, identity, newest, next } = standing;
  if (next !== undefined && canGoOn(next.certificate, newest, options.preserve)) return next;
  const { issuerKey, genesis, issuer } = keys.maker;
  const seed = randomBytes(SEED_BYTES);
  const claims = successorClaims(newest, SigningKey.fromSeed(seed).publicKey, preserveFrom(options));
  const agreement = agree(claims, signingKeyOf(identity), genesis.hash);
  const certificate = must(issueCertificate(claims, issuerKey, genesis.hash, agreement));
  const text = formatCreds({
    ...identity,
    genesis: genesis.bytes,
    key: seed,
    certificates: [issuer.bytes, certificate.bytes],
  });
  await replaceFile(files.next, text);
  return must(parseCreds(text));
}

/** With the next key, to every node: also a refusal is a verified answer that comes after the signature. */
async function testClient(context: Context, file: string, nodes: readonly string[]): Promise<void> {
  const bytes = await readIfThere(file);
  const port = await context.open(new TextDecoder().decode(bytes), file);
  try {
    for (const node of nodes) {
      const replies = port.stream(
        `kernel/${node}/registry`,
        "node.status",
        {},
        { timeoutMs: context.timeoutMs },
      );
      try {
        for await (const _ of replies) break;
      } catch (error) {
        const isKnown = error instanceof CellError && error.code === "AUTHORITY_INTENT_FORBIDDEN";
        if (!isKnown) throw error;
      }
    }
  } finally {
    await port.close();
  }
}

async function giveBack(
  kernel: Awaited<ReturnType<Context["kernel"]>>,
  { keys, files, identity }: Standing,
  established: Certificate,
): Promise<void> {
  const { issuerKey, genesis } = keys.maker;
  const claims = endingClaims(established, identity.certificate.key);
  await publishEverywhere(kernel, keys, must(issueCertificate(claims, issuerKey, genesis.hash)));
  await removeFile(files.next);
}

async function removeClient(context: Context, standing: Standing, options: RotateClient): Promise<ExitCode> {
  const { keys, files, identity, newest } = standing;
  const { principal } = newest;
  if (!equalBytes(newest.key, identity.certificate.key))
    throw new CellError("CLI_ROTATION_PENDING", `the next key of ${principal} is not in its file yet`, {
      remedy: "Run it without `--remove` first: it goes on where it stopped.",
    });
  const wasPending = isPending(newest);
  let generation = newest.generation;
  if (wasPending) {
    await confirm(context, `End the key before of client ${principal} now?`, options.yes === true);
    await step(context, "remove", async () => {
      const { issuerKey, genesis } = keys.maker;
      const ended = must(issueCertificate(endingClaims(newest), issuerKey, genesis.hash));
      await publishEverywhere(await context.kernel(), keys, ended);
      generation = ended.generation;
    });
  }
  await removeFile(files.old);
  context.print(
    wasPending
      ? `The key before of ${principal} is refused from now on; ${files.old} is gone.`
      : `Of ${principal} no key counts beside its newest.`,
  );
  context.printJson({
    principal,
    generation,
    keyFingerprint: fingerprintOf(newest.key),
    removed: wasPending,
  });
  return exitCodes.ok;
}

function told(context: Context, certificate: Certificate, files: RotationFiles): ExitCode {
  const rotated = rotatedToJson(certificate);
  const { principal, generation, keyFingerprint, preserveUntilUnixMs } = rotated;
  context.print(
    [
      `Client ${principal} has key ${keyFingerprint}, generation ${generation}: ${files.current}.`,
      ...(isPending(certificate)
        ? [
            `The one before (${files.old}) counts until ${formatTime(preserveUntilUnixMs)} UTC: what uses it is to read the file anew by then.`,
            "`--remove` ends it at once.",
          ]
        : [`The one before (${files.old}) counted until ${formatTime(preserveUntilUnixMs)} UTC.`]),
    ].join("\n"),
  );
  context.printJson({
    ...rotated,
    file: files.current,
    certificateHash: Buffer.from(sha256(certificate.body)).toString("hex"),
  });
  return exitCodes.ok;
}
