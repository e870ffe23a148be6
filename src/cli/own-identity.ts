// The identity in force, read: `--creds`, CELL0_CREDS, or the operator's in the data directory.
import { CellError } from "../errors/cell-error.ts";
import { type ParsedIdentity, parseCreds } from "../security/identity/creds-file.ts";
import type { Context } from "./context.ts";

/** Throws AUTHORITY_IDENTITY_INVALID, CELL_NOT_FOUND, CLI_NEEDS_LOCAL_CELL. */
export async function ownIdentity(context: Context): Promise<ParsedIdentity> {
  const { text, where } = await context.identity();
  const identity = parseCreds(text);
  if (identity.ok) return identity.value;
  throw new CellError(identity.error.code, identity.error.message, { where });
}
