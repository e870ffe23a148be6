// `cell0 client add`: a client's key, its credentials and what it may do, in one file.
import { appendFile, rm } from "node:fs/promises";
import { CellError } from "../errors/cell-error.ts";
import { toHex } from "../security/bytes.ts";
import type { Chain } from "../security/capability/chain.ts";
import { formatTokenFile } from "../security/capability/token-file.ts";
import { checkGrants, type Grant } from "../security/grants/grants.ts";
import { type AskedPermission, askAuthority, constraintsOf } from "./cap-make.ts";
import { chainToJson } from "./cap-show.ts";
import { readCellKeys } from "./cell-keys.ts";
import type { Context } from "./context.ts";
import { formatTime } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { addPrincipal, type MadeIdentity } from "./identity-file.ts";
import { shellWord } from "./render/shell-word.ts";
import { field } from "./report-decoder.ts";

export type AddOptions = {
  readonly intent: readonly string[];
  readonly target?: readonly string[];
  readonly ttl: number;
  readonly events?: true;
  readonly manifestGrants?: true;
  readonly token?: true;
  readonly where?: readonly string[];
  readonly depth?: number;
  readonly replace?: true;
  readonly out?: string;
};

export async function addClient(context: Context, name: string, options: AddOptions): Promise<ExitCode> {
  const { token = false, where = [], depth } = options;
  if ((where.length > 0 || depth !== undefined) && !token)
    throw new CellError("CLI_USAGE", "--where and --depth go with --token");
  // What is no condition is told before anything is made.
  constraintsOf(where);
  const grants = await grantsOf(context, name, options);
  const [grant] = grants;
  if (token && grant === undefined) throw new CellError("CLI_USAGE", "--token needs a --target");
  const file = context.path(options.out ?? `${name}.creds`);
  const keys = await readCellKeys(context.dir, context.natsUrl);
  const made = await addPrincipal(
    context,
    keys,
    {
      principal: name,
      kind: "client",
      shards: [],
      grants: token ? [] : grants,
      notAfterUnixMs: Date.now() + options.ttl,
      replace: options.replace === true,
      events: options.events === true,
    },
    file,
  );
  const asked = token && grant !== undefined ? { ...grant, where } : undefined;
  const chain = asked && (await addToken(context, made, asked, depth ?? 0));
  const conditions = where.length === 0 ? "" : ` where ${where.join(", ")}`;
  context.print(
    [
      `Client ${name} may send ${grants.length === 0 ? "what manifests grant it" : `${describeGrants(grants)}${conditions}`}.`,
      ...(chain === undefined ? [] : [`By the capability ${toHex(chain.last.hash)}, scope ${name}.`]),
      `Valid until ${formatTime(made.certificate.notAfterUnixMs)} UTC; key ${made.fingerprint}.`,
      `Its file: ${file} (whoever has it is ${name})`,
      "",
      "Try it:",
      `  cell0 --creds ${shellWord(file)} send TARGET INTENT '{}'`,
      "Any NATS client can use it too: it begins with a standard creds file.",
    ].join("\n"),
  );
  context.printJson({
    principal: name,
    file,
    generation: made.certificate.generation,
    keyFingerprint: made.fingerprint,
    notAfterUnixMs: made.certificate.notAfterUnixMs,
    grants: token ? [] : grants,
    ...(chain === undefined ? {} : { capability: chainToJson(chain) }),
  });
  return exitCodes.ok;
}

/** Asked of the cell's authority, in the scope of the client's name, and put into its file. */
async function addToken(
  context: Context,
  { certificate, file }: MadeIdentity,
  permission: AskedPermission,
  depth: number,
): Promise<Chain> {
  const { key, principal, notAfterUnixMs } = certificate;
  try {
    const ttlMs = Math.max(1, notAfterUnixMs - Date.now());
    const chain = await askAuthority(context, {
      ...{ holder: toHex(key), permissions: [permission], ttlMs, depth, scope: principal, once: false },
    });
    await appendFile(file, `\n${formatTokenFile(chain)}`);
    return chain;
  } catch (error) {
    // It may send nothing without; --replace makes it anew.
    await rm(file, { force: true });
    throw error;
  }
}

/** Its own grants; none when manifests grant it something by its name. */
async function grantsOf(context: Context, name: string, options: AddOptions): Promise<readonly Grant[]> {
  const { intent, target, manifestGrants } = options;
  if (target === undefined) {
    if (manifestGrants === true || (await isGrantedByManifest(context, name))) return [];
    throw new CellError(
      "CLI_USAGE",
      `no manifest grants "${name}" anything, and it has no --target of its own`,
      {
        remedy: "Give one, e.g. `--target 'support/**'`, or `--manifest-grants` to apply its manifest later.",
      },
    );
  }
  if (manifestGrants === true) {
    throw new CellError("CLI_USAGE", "--target and --manifest-grants exclude each other");
  }
  const grants = [{ intents: intent, targets: target }];
  const checked = checkGrants(grants);
  if (!checked.ok) throw new CellError("CLI_USAGE", checked.error.message, { cause: checked.error });
  return checked.value;
}

async function isGrantedByManifest(context: Context, name: string): Promise<boolean> {
  const { graph } = await (await context.kernel()).graph();
  const clients = field(graph, "clients");
  return Array.isArray(clients) && clients.some((client) => field(client, "name") === name);
}

const describeGrants = (grants: readonly Grant[]): string =>
  grants.map(({ intents, targets }) => `${intents.join(", ")} to ${targets.join(", ")}`).join("; ");
