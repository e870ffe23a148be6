// `cell0 cap revoke` and `cap regrant`: asked of the capability authority.
import type { Grantee } from "../actors/kernel/capabilities.ts";
import { CellError } from "../errors/cell-error.ts";
import type { Token } from "../security/capability/token.ts";
import { isToken } from "../security/names.ts";
import { readTokenFile } from "./cap-file.ts";
import { describeLink, nameOfKeys } from "./cap-show.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { knownTrust } from "./known-trust.ts";
import { counted, plain } from "./render/text.ts";

export type RevokeOptions = {
  readonly scope?: string;
  /** Whose grants by manifests. */
  readonly actor?: string;
  readonly client?: string;
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
  const { scope, actor, client, link } = options;
  if ([what, scope, actor, client].filter((each) => each !== undefined).length !== 1) {
    const forms = "a token's file or hash, --scope NAME, --actor PATH or --client NAME";
    throw new CellError("CLI_USAGE", `give one of: ${forms}`);
  }
  const isFile = what !== undefined && !HASH.test(what);
  if (link !== undefined && !isFile) throw new CellError("CLI_USAGE", "--link is of a token's file");
  if (scope !== undefined) return await raiseEpoch(context, scope, options);
  if (actor !== undefined) return await takeBack(context, { actor }, options);
  if (client !== undefined) return await takeBack(context, { client }, options);
  if (!isFile) {
    await confirm(context, `Revoke token ${what?.slice(0, 16)}?`, options.yes === true);
    return await send(context, { hash: what ?? "" });
  }
  const token = await linkOf(context, what ?? "", link);
  const known = await knownTrust(context);
  const name = describeLink(token, token.parent.length === 0 ? 0 : 1, nameOfKeys(known, Date.now()));
  await confirm(context, `Revoke the token ${name}?`, options.yes === true);
  return await send(context, { token: Buffer.from(token.bytes).toString("base64") });
}

async function takeBack(context: Context, whose: Grantee, { yes }: RevokeOptions): Promise<ExitCode> {
  const name = plain("actor" in whose ? whose.actor : `client ${whose.client}`);
  await confirm(context, `Take back all that manifests grant to ${name}?`, yes === true);
  const revoked = await (await context.kernel()).revokeCapability(whose);
  context.print(
    revoked.already
      ? `What manifests grant to ${name} counted no more already.`
      : `What manifests grant to ${name} counts no more, whatever is applied: \`cell0 cap regrant\` grants it again.`,
  );
  context.printJson(revoked);
  return exitCodes.ok;
}

export type RegrantOptions = {
  readonly actor?: string;
  readonly client?: string;
  /** All whom it grants something. */
  readonly graph?: string;
  readonly yes?: true;
};

export async function regrant(context: Context, options: RegrantOptions): Promise<ExitCode> {
  const { actor, client, graph, yes } = options;
  const [whose, ...more] = [
    ...(actor === undefined ? [] : [{ actor }]),
    ...(client === undefined ? [] : [{ client }]),
    ...(graph === undefined ? [] : [{ graph }]),
  ];
  if (whose === undefined || more.length > 0)
    throw new CellError("CLI_USAGE", "give one of --actor PATH, --client NAME and --graph NAME");
  const name = plain(Object.values(whose).join(""));
  await confirm(context, `Grant to ${name} again what its manifest says?`, yes === true);
  const regranted = await (await context.kernel()).regrantCapability(whose);
  const { holders, left, revision } = regranted;
  context.print(
    [
      holders === 0
        ? `Granted nothing to ${name} that was not granted before.`
        : `Granted again to ${counted(holders, "holder")}, in revision ${revision}.`,
      ...(left === 0
        ? []
        : [`${counted(left, "holder")} revoked alone: name them, as \`cell0 cap list\` does.`]),
    ].join("\n"),
  );
  context.printJson(regranted);
  return exitCodes.ok;
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
  const what = `every token of scope ${scope}, and all that a graph of that name grants`;
  await confirm(context, `Void ${what}?`, yes === true);
  const raised = await (await context.kernel()).raiseEpoch(scope);
  const granted = `What the graph ${scope} grants to ${counted(raised.holders, "holder")} counts no more: cell0 cap regrant --graph ${scope}`;
  context.print(
    [
      `Scope ${scope} is in epoch ${raised.epoch}: every token of it that there was is void. New ones: cell0 cap mint --scope ${scope}`,
      ...(raised.holders === 0 ? [] : [granted]),
    ].join("\n"),
  );
  context.printJson(raised);
  return exitCodes.ok;
}
