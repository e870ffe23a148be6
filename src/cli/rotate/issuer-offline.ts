// A rotation of the issuer's key that was cut off until its time was over can leave this node and the
// operator without a certificate that counts: then nobody answers. While the cell is down, they are
// certified in this node's own copy, which it publishes when it starts.
import { CellError } from "../../errors/cell-error.ts";
import { lockDirectory } from "../../runtime/lock.ts";
import { openMirror } from "../../runtime/record-mirror.ts";
import { sha256, toHex } from "../../security/bytes.ts";
import type { Certificate } from "../../security/trust/certificate.ts";
import { certifiedBy, type Renewal, waitingOf } from "./certify-anew.ts";
import { type IssuerStanding, isOwn } from "./issuer-standing.ts";
import { isPending } from "./steps.ts";

/** Whether the cell cannot be asked any more. */
export const isOut = (standing: IssuerStanding, waiting: readonly Certificate[]): boolean =>
  !isPending(standing.newest) && waiting.some((each) => !each.revoked && isOwn(standing, each));

/** Throws CLI_ROTATION_PENDING while the cell runs. */
export async function certifyOffline(renewal: Renewal): Promise<void> {
  const { standing, by } = renewal;
  const { dir } = standing.context;
  const lock = await lockDirectory(dir, standing.node).catch((error: unknown) => {
    if (error instanceof CellError && error.code === "CELL_DIRECTORY_HELD") throw isUp(dir.root, error);
    throw error;
  });
  try {
    const trust = await openMirror(dir.trust, "cert");
    const retired = await openMirror(dir.trust, "retired");
    for (const each of await waitingOf(renewal)) {
      // What a node signed under the one before stays readable.
      if (each.kind === "node") await retired.put(toHex(sha256(each.bytes)), each.bytes);
      await trust.put(each.principal, certifiedBy(by, each, standing).bytes);
    }
  } finally {
    await lock.release();
  }
}

const isUp = (where: string, cause: CellError): CellError =>
  new CellError(
    "CLI_ROTATION_PENDING",
    "the issuer's key before has ended, and the next one has not certified this node or the operator yet",
    { where, cause, remedy: "Stop the cell with `cell0 down`, run this again, and start the cell." },
  );
