// `cell0 cap approve FILE`: an approval of the links that ask for one of the identity in force.
import { CellError } from "../errors/cell-error.ts";
import { equalBytes } from "../security/bytes.ts";
import { missingApprovals } from "../security/capability/approval.ts";
import { chainOf, checkSignatures } from "../security/capability/chain.ts";
import { approveToken, type Token } from "../security/capability/token.ts";
import { formatTokenFile } from "../security/capability/token-file.ts";
import { signingKeyOf } from "../security/identity/creds-file.ts";
import { readTokenFile } from "./cap-file.ts";
import { chainToJson, describeLink, nameOfKeys } from "./cap-show.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { writeNewFile } from "./identity-file.ts";
import { knownTrust } from "./known-trust.ts";
import { ownIdentity } from "./own-identity.ts";
import { counted } from "./render/text.ts";

export async function approve(context: Context, file: string, out: string): Promise<ExitCode> {
  const chain = await readTokenFile(context, file);
  const identity = await ownIdentity(context);
  const known = await knownTrust(context);
  const key = signingKeyOf(identity);
  const unsound = checkSignatures(chain, identity.genesis.hash);
  if (unsound !== undefined) throw unsound;
  const isAsked = ({ approval }: Token): boolean =>
    approval?.approvers.some((approver) => equalBytes(approver, key.publicKey)) === true;
  if (!chain.links.some(isAsked))
    throw new CellError("CAPABILITY_APPROVER_UNASKED", undefined, { where: file });
  const links = chain.links.map((link) => {
    if (!isAsked(link)) return link;
    const approved = approveToken(link, key, identity.genesis.hash);
    if (!approved.ok) throw approved.error;
    return approved.value;
  });
  const longer = chainOf(links);
  if (!longer.ok) throw longer.error;
  await writeNewFile(context.path(out), formatTokenFile(longer.value));
  const nameOf = nameOfKeys(known, Date.now());
  const missing = links.reduce((sum, link) => sum + missingApprovals(link), 0);
  context.print(
    [
      `Approved: ${describeLink(chain.last, links.length - 1, nameOf)}.`,
      `Its file: ${context.path(out)}`,
      missing === 0 ? "It needs no more approvals." : `It needs ${counted(missing, "approval")} more.`,
    ].join("\n"),
  );
  context.printJson({ file: context.path(out), missing, links: chainToJson(longer.value) });
  return exitCodes.ok;
}
