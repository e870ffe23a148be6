// `cell0 cap approve FILE`: an approval of one link, which asks the identity in force for it.
import { CellError } from "../errors/cell-error.ts";
import { equalBytes } from "../security/bytes.ts";
import { missingApprovals } from "../security/capability/approval.ts";
import { chainBytes, chainOf, checkSignatures, readChain } from "../security/capability/chain.ts";
import { approveToken, type Token } from "../security/capability/token.ts";
import { formatTokenFile } from "../security/capability/token-file.ts";
import { signingKeyOf } from "../security/identity/creds-file.ts";
import { readTokenFile } from "./cap-file.ts";
import { chainToJson, describeLink, nameOfKeys } from "./cap-show.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { writeNewFile } from "./identity-file.ts";
import { knownTrust } from "./known-trust.ts";
import { ownIdentity } from "./own-identity.ts";
import { counted } from "./render/text.ts";

export type ApproveOptions = {
  readonly out: string;
  /** As `cap show` numbers them. */
  readonly link?: number;
  readonly yes?: true;
};

export async function approve(context: Context, file: string, options: ApproveOptions): Promise<ExitCode> {
  const chain = await readTokenFile(context, file);
  const identity = await ownIdentity(context);
  const key = signingKeyOf(identity);
  const unsound = checkSignatures(chain, identity.genesis.hash);
  if (unsound !== undefined) throw unsound;
  const at = linkThatAsks(chain.links, key.publicKey, file, options.link);
  const link = chain.links[at] ?? chain.last;
  const nameOf = nameOfKeys(await knownTrust(context), Date.now());
  // What is signed is this link as it stands; what was narrowed from it here need not come with it.
  const what = describeLink(link, at, nameOf);
  const holder = nameOf(link.holder);
  await confirm(context, `Approve link ${at}, all of it, for ${holder}: ${what}?`, options.yes === true);
  const approved = approveToken(link, key, identity.genesis.hash);
  if (!approved.ok) throw approved.error;
  const longer = chainOf(chain.links.with(at, approved.value));
  const read = longer.ok ? readChain(chainBytes(longer.value)) : longer;
  if (!read.ok) throw read.error;
  await writeNewFile(context.path(options.out), formatTokenFile(read.value));
  const missing = read.value.links.reduce((sum, each) => sum + missingApprovals(each), 0);
  context.print(
    [
      `Approved link ${at}, all of it: ${what}.`,
      `Its file: ${context.path(options.out)}`,
      missing === 0 ? "It needs no more approvals." : `It needs ${counted(missing, "approval")} more.`,
    ].join("\n"),
  );
  context.printJson({ file: context.path(options.out), link: at, missing, links: chainToJson(read.value) });
  return exitCodes.ok;
}

/** Of the links that ask this key the one that is given, or the only one. */
function linkThatAsks(
  links: readonly Token[],
  key: Uint8Array,
  where: string,
  given: number | undefined,
): number {
  const asking = links.flatMap(({ approval }, at) =>
    approval?.approvers.some((approver) => equalBytes(approver, key)) === true ? [at] : [],
  );
  const [first] = asking;
  if (first === undefined || (given !== undefined && !asking.includes(given)))
    throw new CellError("CAPABILITY_APPROVER_UNASKED", undefined, { where });
  if (given === undefined && asking.length > 1) {
    const what = `links ${asking.join(", ")} ask for it: approve one after the other with --link`;
    throw new CellError("CLI_USAGE", what, { where });
  }
  return given ?? first;
}
