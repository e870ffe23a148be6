// `cell0 client add`: a client's key, its credentials and what it may do, in one file.
import { appendFile, rm } from "node:fs/promises";
import { type Command, Option } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { toHex } from "../security/bytes.ts";
import type { Chain } from "../security/capability/chain.ts";
import { formatTokenFile } from "../security/capability/token-file.ts";
import { checkGrants, type Grant } from "../security/grants/grants.ts";
import { isToken } from "../security/names.ts";
import { stockInboxPrefix } from "../transport/subjects.ts";
import { parseCount } from "./cap.ts";
import { type AskedPermission, askAuthority, constraintsOf, kindOfRoot } from "./cap-make.ts";
import { chainToJson } from "./cap-show.ts";
import { readCellKeys } from "./cell-keys.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { formatTime, parseDuration } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { addPrincipal, type MadeIdentity } from "./identity-file.ts";
import { shellWord } from "./render/shell-word.ts";
import { field } from "./report-decoder.ts";
import { action } from "./session.ts";

type AddOptions = {
  readonly intent: readonly string[];
  readonly target?: readonly string[];
  readonly ttl: number;
  readonly events?: true;
  readonly discovery?: true;
  readonly manifestGrants?: true;
  readonly token?: true;
  readonly where?: readonly string[];
  readonly depth?: number;
  readonly replace?: true;
  readonly out?: string;
};

const DEFAULT_TTL_MS = 90 * 86_400_000;

export function registerClientAdd(client: Command): void {
  const add = client
    .command("add")
    .description(
      "Make a client: its key, its credentials for the broker and the cell's address in one file. A client that manifests name under `clients:` needs no --target. A target below kernel/ counts only when it is named as such.",
    )
    .argument("<name>", "name of the client, a token of a-z, 0-9 and '-'", parseName)
    .option("--target <patterns...>", "targets that it may send to: * is one token, a last ** one or more")
    .option("--intent <patterns...>", "intents that it may send", ["**"])
    .addOption(
      new Option("--ttl <duration>", "how long it is valid")
        .argParser(parseDuration)
        .default(DEFAULT_TTL_MS, "90d"),
    )
    .option("--events", "let it listen to the cell's events")
    .option(
      "--discovery",
      "let it ask which actors run and how many intents each had, as `nats service list` does",
    )
    .option(
      "--manifest-grants",
      "no grants of its own, only those of manifests under `clients:`, also of ones applied later",
    )
    .option(
      "--token",
      "as a capability in its file in place of grants in its certificate: revoked by itself, or by the scope of its name",
    )
    .option("--where <conditions...>", "with --token: conditions on the payload, as of `cell0 cap mint`")
    .option("--depth <count>", "with --token: how often it may be handed on (default: 0)", parseCount)
    .option("--replace", "give a client that exists a new key and these grants")
    .option("--out <file>", "where to write the file (default: NAME.creds)")
    .action(action(addClient));
  documented(add, {
    examples: [
      ["cell0 client add web-shop --target 'support/**'", "all intents of one graph"],
      [
        "cell0 client add probe --target hello/greeter --intent greet --ttl 1d",
        "one intent of one actor, for a day",
      ],
      [
        "cell0 client add agent --token --target shop/orders --intent order.place --where '/total <= 100'",
        "by a capability, which `cell0 cap revoke --scope agent` takes back",
      ],
      [
        "cell0 client add ann --target 'hello/**' --events --discovery",
        "for the `nats` command line: docs/client.md",
      ],
    ],
    exits: ["refused", "unreachable"],
  });
}

async function addClient(context: Context, name: string, options: AddOptions): Promise<ExitCode> {
  const { token = false, where = [], depth } = options;
  if ((where.length > 0 || depth !== undefined) && !token)
    throw new CellError("CLI_USAGE", "--where and --depth go with --token");
  // What is no condition is told before anything is made.
  constraintsOf(where);
  const grants = await grantsOf(context, name, options);
  const [grant] = grants;
  if (token && grant === undefined) throw new CellError("CLI_USAGE", "--token needs a --target");
  if (token) kindOfRoot(grants);
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
      discovery: options.discovery === true,
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
      `Any NATS client can use it too, with the inbox prefix ${stockInboxPrefix(name)}: it begins with a standard creds file.`,
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

export function parseName(name: string): string {
  if (!isToken(name) || name.length > 32) {
    throw new CellError("CLI_USAGE", "a name is 1 to 32 of a-z, 0-9 and '-'", { where: name.slice(0, 80) });
  }
  return name;
}
