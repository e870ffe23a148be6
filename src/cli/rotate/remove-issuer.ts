// Ends the issuer's key before at once. Nobody falls with it unseen: not while somebody is certified by it, and
// no node nor the operator at any time; clients that fell with it when its time was over are given up.
import { CellError } from "../../errors/cell-error.ts";
import { ISSUER } from "../../runtime/create-cell.ts";
import { equalBytes } from "../../security/bytes.ts";
import { fingerprintOf } from "../../security/keys/fingerprint.ts";
import { issueCertificate } from "../../security/trust/certificate.ts";
import { endingClaims } from "../../security/trust/succession.ts";
import { confirm } from "../confirm.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { removeFile } from "./files.ts";
import { type IssuerStanding, isVital, left } from "./issuer-standing.ts";
import { isPending, must, publishEverywhere, type RotateOptions, step } from "./steps.ts";

export async function removeIssuer(standing: IssuerStanding, options: RotateOptions): Promise<ExitCode> {
  const { context, newest, current, genesis, genesisKey, files } = standing;
  const waiting = await left(standing, newest);
  const wasPending = isPending(newest);
  const isNeeded = waiting.length > 0 && (wasPending || waiting.some(isVital));
  if (!equalBytes(newest.key, current.publicKey) || isNeeded)
    throw new CellError("CLI_ROTATION_PENDING", "not everybody is certified by the issuer's next key yet", {
      remedy: "Run it without `--remove` first: it goes on where it stopped.",
    });
  let generation = newest.generation;
  // Also for those who fell with the key before, so that nobody is asked about them again.
  if (wasPending || waiting.length > 0) {
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
