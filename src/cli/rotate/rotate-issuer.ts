// Rotates the issuer's key. Genesis certifies the next one, which the key before agrees to; then everybody
// that the key before certified is certified anew, keys and all else as they are, while both count. Nodes and
// the operator come first, so that whatever cuts it off leaves a cell that can be asked to go on.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { CellError } from "../../errors/cell-error.ts";
import { replaceFile } from "../../runtime/replace-file.ts";
import { equalBytes } from "../../security/bytes.ts";
import { SEED_BYTES, SigningKey } from "../../security/keys/signing-key.ts";
import { type Certificate, issueCertificate } from "../../security/trust/certificate.ts";
import { agree, endingClaims, successorClaims } from "../../security/trust/succession.ts";
import { confirm } from "../confirm.ts";
import type { Context } from "../context.ts";
import { formatTime } from "../duration.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { KernelClient } from "../kernel-client.ts";
import { counted } from "../render/text.ts";
import { certifyAll, type Renewal, settledOf, tellListed, waitingOf } from "./certify-anew.ts";
import { type RotationFiles, removeFile, switchFiles } from "./files.ts";
import { certifyOffline, isOut } from "./issuer-offline.ts";
import {
  type IssuerStanding,
  isEstablished,
  isOwn,
  issuerStanding,
  isVital,
  left,
  named,
  others,
  signedBy,
} from "./issuer-standing.ts";
import { removeIssuer } from "./remove-issuer.ts";
import {
  isPending,
  must,
  preserveFrom,
  publishEverywhere,
  type RotateOptions,
  requireSettled,
  rotatedToJson,
  step,
  undo,
} from "./steps.ts";

/** One round trip each, with room: within the time everybody has to be certified anew. */
const PER_PRINCIPAL_MS = 200;

export async function rotateIssuer(context: Context, options: RotateOptions): Promise<ExitCode> {
  const standing = await step(context, "preserve", () => issuerStanding(context));
  if (options.remove === true) return await removeIssuer(standing, options);
  const { newest, current } = standing;
  if (isEstablished(standing)) return await goOn(standing, options);
  if (!equalBytes(newest.key, current.publicKey)) throw notInForce(standing.files.current);
  const waiting = await left(standing, newest);
  if (waiting.length > 0) return await goOn(standing, options);
  requireSettled(newest);
  return await begin(standing, options);
}

async function begin(standing: IssuerStanding, options: RotateOptions): Promise<ExitCode> {
  const { context, files, newest, current } = standing;
  const listed = signedBy(await others(standing, newest), current.publicKey);
  for (const each of listed) requireSettled(each);
  requireTime(listed.length, options.preserve);
  tellListed(context, listed);
  await confirm(context, "Rotate the issuer's key, and certify these anew?", options.yes === true);
  const by = standing.next ?? (await makeKey(files));
  return await carryOut({ standing, issuer: makeCertificate(standing, by, options), by, listed });
}

/** What was cut off before or after the file was switched, or left somebody out. */
async function goOn(standing: IssuerStanding, options: RotateOptions): Promise<ExitCode> {
  const { context, newest, current, next } = standing;
  const by = isEstablished(standing) ? (next ?? current) : current;
  const waiting = await left(standing, newest);
  const listed = settledOf(waiting);
  tellListed(context, listed);
  await confirm(context, "Go on with the rotation, and certify these anew?", options.yes === true);
  const renewal = { standing, issuer: newest, by, listed };
  if (!isOut(standing, waiting)) return await carryOut(renewal);
  for (const each of waiting) if (isOwn(standing, each)) requireSettled(each);
  await step(context, "switch", async () => {
    await certifyOffline(renewal);
    if (isEstablished(standing)) await switchFiles(standing.files);
  });
  context.print("It was done without the cell, which is down. Start it with `cell0 up`.");
  return await told(renewal);
}

async function carryOut(renewal: Renewal): Promise<ExitCode> {
  const { standing, issuer } = renewal;
  const { context, files, current } = standing;
  const kernel = await context.kernel();
  const isSwitched = equalBytes(issuer.key, current.publicKey);
  if (!isSwitched) {
    try {
      await step(context, "establish", () => establish(kernel, renewal));
      await step(context, "test", () => testAll(kernel));
    } catch (error) {
      await undo(context, error, issuer, () => giveBack(kernel, standing, issuer));
    }
  }
  await step(context, "switch", async () => {
    await certifyAll(kernel, standing, renewal.by, await waitingOf(renewal));
    if (!isSwitched) await switchFiles(files);
  });
  return await told(renewal);
}

/** Throws CLI_USAGE. */
function requireTime(count: number, preserveMs: number): void {
  const leastMs = count * PER_PRINCIPAL_MS;
  if (preserveMs >= leastMs) return;
  const minutes = Math.ceil(leastMs / 60_000);
  throw new CellError("CLI_USAGE", `${counted(count, "principal")} cannot be certified anew in that time`, {
    remedy: `Give \`--preserve ${minutes}m\` or more.`,
  });
}

const notInForce = (where: string): CellError =>
  new CellError("CELL_KEY_DAMAGED", "the issuer's newest certificate is of another key", {
    where,
    remedy: "Restore keys/ and trust/ from one backup.",
  });

/** On the disk before anybody hears of it. */
async function makeKey({ next }: RotationFiles): Promise<SigningKey> {
  await replaceFile(next, randomBytes(SEED_BYTES));
  return SigningKey.fromSeed(await readFile(next));
}

function makeCertificate(standing: IssuerStanding, next: SigningKey, options: RotateOptions): Certificate {
  const { newest, current, genesis, genesisKey } = standing;
  const claims = successorClaims(newest, next.publicKey, preserveFrom(options));
  return must(issueCertificate(claims, genesisKey, genesis.hash, agree(claims, current, genesis.hash)));
}

/** With nobody to be waited for between the issuer's certificate and this node's, the first of them. */
async function establish(kernel: KernelClient, renewal: Renewal): Promise<void> {
  const { standing, issuer, by } = renewal;
  await kernel.addCertificate(standing.node, issuer.bytes);
  await certifyAll(kernel, standing, by, (await waitingOf(renewal)).filter(isVital));
  await publishEverywhere(kernel, standing, issuer);
}

/** The next key has certified the operator, whom every node has to answer then. */
async function testAll(kernel: KernelClient): Promise<void> {
  for (const { node, answers } of await kernel.nodes()) if (answers) await kernel.status(node);
}

/** First whom the next key has certified: they fall with that key. */
async function giveBack(
  kernel: KernelClient,
  standing: IssuerStanding,
  established: Certificate,
): Promise<void> {
  const { current, genesis, genesisKey, files } = standing;
  await certifyAll(kernel, standing, current, signedBy(await others(standing, established), established.key));
  const claims = endingClaims(established, current.publicKey);
  await publishEverywhere(kernel, standing, must(issueCertificate(claims, genesisKey, genesis.hash)));
  await removeFile(files.next);
}

/** Who is left was not named, or is another than was named: that is for whoever rotates to look at. */
async function told({ standing, issuer, listed }: Renewal): Promise<ExitCode> {
  const { context } = standing;
  const rotated = rotatedToJson(issuer);
  const { generation, keyFingerprint, preserveUntilUnixMs } = rotated;
  const remaining = named(await left(standing, issuer));
  const isLeft = new Set(remaining.map(({ principal }) => principal));
  const certified = named(listed).filter(({ principal }) => !isLeft.has(principal));
  const tense = isPending(issuer) ? "counts" : "counted";
  const ends = isPending(issuer) ? "; `--remove` ends it at once" : "";
  context.print(
    [
      `The issuer has key ${keyFingerprint}, generation ${generation}; ${counted(certified.length, "principal")} certified anew.`,
      `The one before ${tense} until ${formatTime(preserveUntilUnixMs)} UTC${ends}.`,
      ...remaining.map(
        ({ principal, kind, keyFingerprint }) =>
          `Not certified anew: ${kind} ${principal}, key ${keyFingerprint}; the key before has certified it, or its own key was rotated, meanwhile.`,
      ),
      ...(remaining.length > 0
        ? ["Withdraw those that should not be, and run it again for the others."]
        : []),
      "Take the genesis key offline again: cell0 keys genesis --export FILE",
    ].join("\n"),
  );
  context.printJson({
    ...rotated,
    renewed: certified.length,
    certified,
    left: remaining,
  });
  return remaining.length > 0 ? exitCodes.partial : exitCodes.ok;
}
