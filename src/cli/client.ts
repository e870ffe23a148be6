// `cell0 client add|list|show|revoke`
import type { Command } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { fingerprintOf } from "../security/keys/fingerprint.ts";
import { type Certificate, issueCertificate } from "../security/trust/certificate.ts";
import { readCellKeys, readGenesisFile, readTrust } from "./cell-keys.ts";
import { registerClientAdd } from "./client-add.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { formatTime } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { describeFollows, followsOf } from "./follows.ts";
import { printPrincipals } from "./principals.ts";
import { action } from "./session.ts";

const DEFAULT_TTL_MS = 90 * 86_400_000;

export function registerClient(program: Command): void {
  const client = program.command("client").description("Programs outside of the cell that may send intents.");
  registerClientAdd(client);
  const list = client.command("list").description("List the clients that the cell knows.");
  list.action(action((context) => printPrincipals(context, "client")));
  documented(list, {
    examples: [["cell0 client list", "names, keys, validity"]],
    exits: ["refused", "unreachable"],
  });
  const show = client
    .command("show")
    .description("Show what a client may send, from this node's copy of its certificate.")
    .argument("<name>")
    .action(action(showClient));
  documented(show, { examples: [["cell0 client show web-shop", "its grants"]], exits: ["refused"] });
  const revoke = client
    .command("revoke")
    .description("Withdraw a client. Every node refuses its intents from then on.")
    .argument("<name>")
    .option("-y, --yes", "do not ask")
    .action(action(revokeClient));
  documented(revoke, {
    examples: [["cell0 client revoke web-shop --yes", "it is refused from now on"]],
    exits: ["negative", "refused", "unreachable"],
    notes: "`cell0 client add NAME --replace` lets it in again with a new key.",
  });
  documented(client, {
    examples: [["cell0 client add web-shop --target 'support/**'", "let a program in"]],
    exits: ["refused", "unreachable"],
  });
}

async function findClient(context: Context, name: string): Promise<Certificate> {
  const trust = await readTrust(context.dir, await readGenesisFile(context.dir));
  const certificate = trust.newest(name);
  if (certificate?.kind === "client") return certificate;
  throw new CellError("CLI_TARGET_UNKNOWN", `there is no client "${name}"`, { where: context.dir.trust });
}

async function showClient(context: Context, name: string): Promise<ExitCode> {
  const { key, generation, notBeforeUnixMs, notAfterUnixMs, grants, revoked, continuity } = await findClient(
    context,
    name,
  );
  const fingerprint = fingerprintOf(key);
  const follows = followsOf(continuity);
  context.print(
    [
      `${context.colors.bold(name)}${revoked ? context.colors.red("  revoked") : ""}`,
      `  key         ${fingerprint}`,
      `  generation  ${generation}`,
      ...(follows === undefined ? [] : [`  follows     ${describeFollows(follows)}`]),
      `  valid       ${formatTime(notBeforeUnixMs)} to ${formatTime(notAfterUnixMs)} UTC`,
      ...grants.map(({ intents, targets }) => `  may send    ${intents.join(", ")} to ${targets.join(", ")}`),
    ].join("\n"),
  );
  context.printJson({
    principal: name,
    keyFingerprint: fingerprint,
    generation,
    ...(follows === undefined ? {} : { follows }),
    notBeforeUnixMs,
    notAfterUnixMs,
    revoked,
    grants,
  });
  return exitCodes.ok;
}

async function revokeClient(
  context: Context,
  name: string,
  options: { readonly yes?: true },
): Promise<ExitCode> {
  const { maker, node, trust } = await readCellKeys(context.dir);
  const known = trust.newest(name);
  if (known?.kind !== "client") {
    throw new CellError("CLI_TARGET_UNKNOWN", `there is no client "${name}"`, { where: context.dir.trust });
  }
  if (known.revoked) {
    context.print(`Client ${name} was revoked before.`);
    context.printJson({ principal: name, revoked: true, generation: known.generation });
    return exitCodes.ok;
  }
  await confirm(context, `Withdraw client ${name}?`, options.yes === true);
  const { key, kind, principal, notBeforeUnixMs } = known;
  const notAfterUnixMs = Math.max(known.notAfterUnixMs, Date.now() + DEFAULT_TTL_MS);
  const generation = known.generation + 1;
  const certificate = issueCertificate(
    {
      key,
      kind,
      principal,
      generation,
      notBeforeUnixMs,
      notAfterUnixMs,
      shards: [],
      grants: [],
      revoked: true,
    },
    maker.issuerKey,
    maker.genesis.hash,
  );
  if (!certificate.ok) throw certificate.error;
  await (await context.kernel()).addCertificate(node, certificate.value.bytes);
  context.print(
    `Client ${name} is withdrawn: its intents are refused. Its credentials still open a connection to the broker until ${formatTime(known.notAfterUnixMs)} UTC; whoever has them hears on what it could hear: its own inbox, and the cell's events if it was let in to them.`,
  );
  context.printJson({ principal: name, revoked: true, generation });
  return exitCodes.ok;
}
