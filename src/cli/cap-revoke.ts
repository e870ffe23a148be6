// `cell0 cap revoke`: asked of the capability authority.
import { CellError } from "../errors/cell-error.ts";
import type { Token } from "../security/capability/token.ts";
import { isToken } from "../security/names.ts";
import { readTokenFile } from "./cap-file.ts";
import { describeLink, nameOfKeys } from "./cap-show.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { knownTrust } from "./known-trust.ts";

export type RevokeOptions = {
  readonly scope?: string;
  /** As `cap show` numbers them. */
  readonly link?: number;
  readonly yes?: true;
};

const HASH = /^[0-9a-f]{64}$/;

/** @param what a token's file, or its hash */
export async function revoke(
  context: Context,
  what: string | undefined,
  options: RevokeOptions,
): Promise<ExitCode> {
  const { scope, link } = options;
  if ((what === undefined) === (scope === undefined))
    throw new CellError("CLI_USAGE", "give a token's file or hash, or --scope NAME");
  if (scope !== undefined) {
    if (link !== undefined) throw new CellError("CLI_USAGE", "--link is of a token's file");
    return await raiseEpoch(context, scope, options);
  }
  if (what !== undefined && HASH.test(what)) {
    if (link !== undefined) throw new CellError("CLI_USAGE", "--link is of a token's file");
    await confirm(context, `Revoke token ${what.slice(0, 16)}?`, options.yes === true);
    return await send(context, { hash: what });
  }
  const token = await linkOf(context, what ?? "", link);
  const known = await knownTrust(context);
  const name = describeLink(token, token.parent.length === 0 ? 0 : 1, nameOfKeys(known, Date.now()));
  await confirm(context, `Revoke the token ${name}?`, options.yes === true);
  return await send(context, { token: Buffer.from(token.bytes).toString("base64") });
}

async function linkOf(context: Context, file: string, link: number | undefined): Promise<Token> {
  const { links, last } = await readTokenFile(context, file);
  const token = link === undefined ? last : links[link];
  if (token !== undefined) return token;
  throw new CellError("CLI_USAGE", `its links are 0 to ${links.length - 1}`, { where: `--link ${link}` });
}

async function send(
  context: Context,
  named: { readonly token: string } | { readonly hash: string },
): Promise<ExitCode> {
  const revoked = await (await context.kernel()).revokeCapability(named);
  context.print(
    revoked.already
      ? `Token ${revoked.hash} counted no more already.`
      : `Token ${revoked.hash} is revoked, and whatever was narrowed from it.`,
  );
  context.printJson(revoked);
  return exitCodes.ok;
}

async function raiseEpoch(context: Context, scope: string, { yes }: RevokeOptions): Promise<ExitCode> {
  if (!isToken(scope))
    throw new CellError("CLI_USAGE", "a scope is a token of a-z, 0-9 and '-'", { where: scope.slice(0, 80) });
  await confirm(context, `Void every token of scope ${scope}?`, yes === true);
  const raised = await (await context.kernel()).raiseEpoch(scope);
  context.print(
    `Scope ${scope} is in epoch ${raised.epoch}: every token of it that there was is void. New ones: cell0 cap mint --scope ${scope}`,
  );
  context.printJson(raised);
  return exitCodes.ok;
}
