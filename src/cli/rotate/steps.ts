// What every rotation goes through: preserve, establish, test, switch, remove. A certificate is
// established once every node that answers has it; whatever fails before the switch is undone, so that
// the key before counts on.
import { setTimeout as delay } from "node:timers/promises";
import { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import { equalBytes } from "../../security/bytes.ts";
import { fingerprintOf } from "../../security/keys/fingerprint.ts";
import type { Certificate } from "../../security/trust/certificate.ts";
import type { Preserve } from "../../security/trust/succession.ts";
import { type CellKeys, readGenesisFile, readTrust } from "../cell-keys.ts";
import type { Context } from "../context.ts";
import { formatTime } from "../duration.ts";
import type { KernelClient } from "../kernel-client.ts";
import { answeringNodes } from "../locate-node.ts";

export type RotateOptions = {
  /** How long the key before counts on, milliseconds. */
  readonly preserve: number;
  /** Ends the key before at once. */
  readonly remove?: true;
  readonly yes?: true;
};

export type StepName = "preserve" | "establish" | "test" | "switch" | "remove";

const HEARD_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 100;

/** Throws CLI_ROTATION_STOPPED with the step that failed. */
export async function step<T>(context: Context, name: StepName, work: () => Promise<T>): Promise<T> {
  try {
    const done = await work();
    context.note(context.errorColors.dim(`${name}: done`));
    return done;
  } catch (cause) {
    if (cause instanceof CellError && !isOfStep(cause)) throw cause;
    const what = cause instanceof CellError ? `${cause.code}: ${cause.message}` : String(cause);
    throw new CellError("CLI_ROTATION_STOPPED", `it stopped at \`${name}\`: ${what}`, { cause });
  }
}

/** What the command line was given wrongly is said as such. */
const isOfStep = ({ code }: CellError): boolean => !code.startsWith("CLI_") && code !== "CELL_KEY_DAMAGED";

export const preserveFrom = (options: RotateOptions): Preserve => {
  const issuedUnixMs = Date.now();
  return { issuedUnixMs, preserveUntilUnixMs: issuedUnixMs + options.preserve };
};

/** Whether the key before counts still. */
export const isPending = ({ continuity }: Certificate): boolean =>
  continuity !== undefined && Date.now() < continuity.preserveUntilUnixMs;

/** Throws CLI_ROTATION_PENDING. */
export function requireSettled(newest: Certificate): void {
  const { continuity, principal } = newest;
  if (continuity === undefined || !isPending(newest)) return;
  const until = formatTime(continuity.preserveUntilUnixMs);
  throw new CellError("CLI_ROTATION_PENDING", `of ${principal} the key before counts until ${until} UTC`);
}

/**
 * Throws CLI_ROTATION_PENDING while the issuer's own rotation is cut off: what its key before would certify
 * now could not be certified anew by the next one without ending the key that it preserves.
 */
export function requireIssuerSettled({ maker, trust }: CellKeys): void {
  const newest = trust.newest(maker.issuer.principal);
  if (newest !== undefined && equalBytes(newest.key, maker.issuerKey.publicKey)) return;
  throw new CellError("CLI_ROTATION_PENDING", "the rotation of the issuer's key was cut off", {
    remedy: "Go on with it first: `cell0 keys rotate issuer`.",
  });
}

/** Whether a certificate that was made, and not published as far as is known, can be published now. */
export function canGoOn(made: Certificate, newest: Certificate, preserveMs: number): boolean {
  const { continuity } = made;
  return (
    continuity !== undefined &&
    made.generation === newest.generation + 1 &&
    equalBytes(continuity.previousKey, newest.key) &&
    continuity.preserveUntilUnixMs - Date.now() >= preserveMs / 2
  );
}

/** Publishes it, and waits until every node that answers has it. Returns those. */
export async function publishEverywhere(
  kernel: KernelClient,
  { node }: { readonly node: string },
  certificate: Certificate,
): Promise<readonly string[]> {
  await kernel.addCertificate(node, certificate.bytes);
  const nodes = await answeringNodes(kernel);
  const untilMs = performance.now() + HEARD_WITHIN_MS;
  for (const each of nodes) {
    while (!(await hasHeard(kernel, each, certificate))) {
      if (performance.now() > untilMs)
        throw new CellError("ACTOR_DEADLINE_EXCEEDED", `node ${each} has not heard of the certificate`);
      await delay(LOOK_EVERY_MS);
    }
  }
  return nodes;
}

async function hasHeard(
  kernel: KernelClient,
  node: string,
  { principal, generation, key }: Certificate,
): Promise<boolean> {
  const row = (await kernel.principals(node)).find((each) => each.principal === principal);
  if (row === undefined || row.generation < generation) return false;
  if (row.generation === generation && row.keyFingerprint === fingerprintOf(key)) return true;
  throw new CellError("AUTHORITY_GENERATION_CONFLICT", `somebody else has changed ${principal} meanwhile`);
}

/**
 * Something failed before the switch: gives the key before back when this certificate is what counts, and
 * nobody has changed the principal since. Says in the error how it stands.
 */
export async function undo(
  { dir }: Context,
  error: unknown,
  established: Certificate,
  giveBack: () => Promise<unknown>,
): Promise<never> {
  const { code, message, remedy } =
    error instanceof CellError ? error : new CellError("CLI_ROTATION_STOPPED", String(error));
  const how = await undone(dir, established, giveBack);
  throw new CellError(code, `${message} (${how})`, { cause: error, remedy });
}

async function undone(
  dir: Context["dir"],
  established: Certificate,
  giveBack: () => Promise<unknown>,
): Promise<string> {
  const { continuity, principal } = established;
  if (!isPending(established)) return "only the next key counts: run it again";
  const until = formatTime(continuity?.preserveUntilUnixMs ?? 0);
  try {
    const newest = (await readTrust(dir, await readGenesisFile(dir))).newest(principal);
    if (newest === undefined || !equalBytes(newest.body, established.body))
      return `the key before was not ended, at least until ${until} UTC`;
    await giveBack();
    return "the key before counts on, alone";
  } catch {
    return `the key before counts until ${until} UTC: run it again by then`;
  }
}

/** What `--json` says of a certificate whose key has taken the place of another. */
export const rotatedToJson = ({ principal, generation, key, continuity }: Certificate) => ({
  principal,
  generation,
  keyFingerprint: fingerprintOf(key),
  follows: continuity && fingerprintOf(continuity.previousKey),
  preserveUntilUnixMs: continuity?.preserveUntilUnixMs ?? 0,
});

export function must<T>(result: Result<T, CellError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}
