// Rotates the key of a node that runs, here or elsewhere: it makes the next key itself, agrees to its
// certificate, tries it and takes it without a stop. Only the issuer's key has to be at hand.
import { CellError } from "../../errors/cell-error.ts";
import { equalBytes, fromHex, toHex } from "../../security/bytes.ts";
import { fingerprintOf } from "../../security/keys/fingerprint.ts";
import { type Certificate, certificateBody, issueCertificate } from "../../security/trust/certificate.ts";
import { endingClaims, successorClaims } from "../../security/trust/succession.ts";
import { type CellKeys, readCellKeys } from "../cell-keys.ts";
import { confirm } from "../confirm.ts";
import type { Context } from "../context.ts";
import { formatTime } from "../duration.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { KernelClient } from "../kernel-client.ts";
import {
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

type Standing = {
  readonly keys: CellKeys;
  readonly kernel: KernelClient;
  readonly newest: Certificate;
  /** Hex: what the node will sign with, and what it signs with. */
  readonly next: string;
  readonly current: string;
};

export async function rotateNode(
  context: Context,
  name: string | undefined,
  options: RotateOptions,
): Promise<ExitCode> {
  const standing = await step(context, "preserve", () => standingOf(context, name));
  const { newest, keys, kernel, next } = standing;
  if (options.remove === true) return await removeNode(context, standing, options);
  const isGoingOn = isEstablished(standing);
  if (!isGoingOn) requireSettled(newest);
  await confirm(context, `Rotate the key of node ${newest.principal}?`, options.yes === true);
  const certificate = isGoingOn ? newest : await make(standing, options);
  try {
    const nodes = await step(context, "establish", () => publishEverywhere(kernel, keys, certificate));
    await step(context, "test", () => kernel.testKey(newest.principal, nodes));
  } catch (error) {
    await undo(context, error, certificate, () => giveBack(standing, certificate));
  }
  await step(context, "switch", () => switchNode(standing, next));
  return told(context, certificate);
}

/** The node says which keys it has; its certificate is the one that is known here. */
async function standingOf(context: Context, given: string | undefined): Promise<Standing> {
  const keys = await readCellKeys(context.dir, context.natsUrl);
  requireIssuerSettled(keys);
  const name = given ?? keys.node;
  const newest = keys.trust.newest(name);
  if (newest?.kind !== "node")
    throw new CellError("CLI_TARGET_UNKNOWN", `there is no node "${name}"`, { where: context.dir.trust });
  must(keys.trust.byPrincipal(name, Date.now()));
  const kernel = await context.kernel();
  const { next, current, certificate } = await kernel.prepareKey(name);
  if (!equalBytes(certificate, newest.bytes))
    throw new CellError(
      "CELL_ROTATION_INVALID",
      `node ${name} and this directory know different certificates`,
    );
  return { keys, kernel, newest, next, current };
}

/** Nodes know the next key; the node does not sign with it yet. */
const isEstablished = ({ newest, next, current }: Standing): boolean =>
  newest.continuity !== undefined &&
  toHex(newest.key) === next &&
  toHex(newest.continuity.previousKey) === current;

async function make({ keys, kernel, newest, next }: Standing, options: RotateOptions): Promise<Certificate> {
  const { issuerKey, genesis } = keys.maker;
  const claims = successorClaims(newest, fromHex(next) ?? new Uint8Array(), preserveFrom(options));
  const agreement = await kernel.agreeKey(newest.principal, certificateBody(claims));
  return must(issueCertificate(claims, issuerKey, genesis.hash, agreement));
}

async function giveBack({ keys, kernel }: Standing, established: Certificate): Promise<void> {
  const { issuerKey, genesis } = keys.maker;
  const claims = endingClaims(established, established.continuity?.previousKey);
  await publishEverywhere(kernel, keys, must(issueCertificate(claims, issuerKey, genesis.hash)));
}

/** Without its answer it is not known which key it signs with; until the time is over both count. */
async function switchNode({ kernel, newest }: Standing, next: string): Promise<void> {
  const current = await kernel.switchKey(newest.principal);
  if (current !== next)
    throw new CellError("CELL_ROTATION_INVALID", `node ${newest.principal} signs with another key`);
}

async function removeNode(context: Context, standing: Standing, options: RotateOptions): Promise<ExitCode> {
  const { keys, kernel, newest, current } = standing;
  const { principal } = newest;
  if (toHex(newest.key) !== current)
    throw new CellError("CLI_ROTATION_PENDING", `node ${principal} does not sign with its next key yet`, {
      remedy: "Run it without `--remove` first: it goes on where it stopped.",
    });
  const wasPending = isPending(newest);
  let generation = newest.generation;
  if (wasPending)
    await confirm(context, `End the key before of node ${principal} now?`, options.yes === true);
  await step(context, "remove", async () => {
    const { issuerKey, genesis } = keys.maker;
    if (wasPending) {
      const ended = must(issueCertificate(endingClaims(newest), issuerKey, genesis.hash));
      await publishEverywhere(kernel, keys, ended);
      generation = ended.generation;
    }
    await kernel.removeKey(principal);
  });
  context.print(
    wasPending
      ? `The key before of node ${principal} is refused from now on, and gone.`
      : `Of node ${principal} no key counts beside its newest.`,
  );
  context.printJson({
    principal,
    generation,
    keyFingerprint: fingerprintOf(newest.key),
    removed: wasPending,
  });
  return exitCodes.ok;
}

function told(context: Context, certificate: Certificate): ExitCode {
  const rotated = rotatedToJson(certificate);
  const { principal, generation, keyFingerprint, preserveUntilUnixMs } = rotated;
  context.print(
    [
      `Node ${principal} signs with key ${keyFingerprint}, generation ${generation}.`,
      `The one before counts until ${formatTime(preserveUntilUnixMs)} UTC; \`--remove\` ends it at once.`,
    ].join("\n"),
  );
  context.printJson(rotated);
  return exitCodes.ok;
}
