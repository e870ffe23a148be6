// The first start: genesis, keys, certificates, the broker's authority and the
// identities of this node and of its operator. Made beside the data directory
// and moved in place at the end, so that an interrupted start leaves nothing half made.
import { randomBytes } from "node:crypto";
import { access, chmod, cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { CellError } from "../errors/cell-error.ts";
import { formatCreds } from "../security/identity/creds-file.ts";
import { SEED_BYTES, SigningKey } from "../security/keys/signing-key.ts";
import { type Certificate, type CertificateClaims, issueCertificate } from "../security/trust/certificate.ts";
import { createGenesis, type Genesis, NONCE_BYTES, SHARDS } from "../security/trust/genesis.ts";
import { ISSUED_AFTER_MS } from "../security/trust/retired-keys.ts";
import {
  type BrokerAuthority,
  createBrokerAuthority,
  serialiseBrokerAuthority,
} from "../transport/broker/authority.ts";
import { issueUser } from "../transport/broker/user.ts";
import type { BrokerSync, CellConfig } from "./cell-config.ts";
import { type DataDir, dataDir } from "./data-dir.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** The issuer's certificate outlives those that it issues. */
const ISSUER_VALID_MS = 3650 * DAY_MS;
const NODE_VALID_MS = 1825 * DAY_MS;
const OPERATOR_VALID_MS = 1825 * DAY_MS;
/** Clocks of other machines may be behind this one by as much. */
export const OPERATOR = "operator";
export const ISSUER = "issuer";

export type NewCell = {
  readonly cell: string;
  readonly node: string;
  /** Port of the embedded broker on the loopback address; any free one by default. */
  readonly port?: number;
  /** Default "1s". */
  readonly sync?: BrokerSync;
};

/** Throws CELL_PORT_TAKEN, AUTHORITY_GENESIS_INVALID (a bad name). The directory must hold no cell. */
export async function createCell(dir: DataDir, options: NewCell): Promise<CellConfig> {
  const { sync } = options;
  const port = await freePort(options.port);
  const broker = {
    url: `nats://127.0.0.1:${port}`,
    embedded: true,
    port,
    ...(sync === undefined ? {} : { sync }),
  };
  const config: CellConfig = { version: 1, cell: options.cell, node: options.node, broker };
  const nowUnixMs = Date.now();
  const seeds = { genesis: randomBytes(SEED_BYTES), issuer: randomBytes(SEED_BYTES) };
  const keys = { genesis: SigningKey.fromSeed(seeds.genesis), issuer: SigningKey.fromSeed(seeds.issuer) };
  const genesis = unwrap(
    createGenesis({
      cell: options.cell,
      genesisKey: keys.genesis.publicKey,
      createdUnixMs: nowUnixMs,
      nonce: randomBytes(NONCE_BYTES),
    }),
  );
  const issuer = unwrap(
    issueCertificate(
      claims(keys.issuer, ISSUER, "issuer", nowUnixMs + ISSUER_VALID_MS),
      keys.genesis,
      genesis.hash,
    ),
  );
  const authority = await createBrokerAuthority(options.cell);
  const maker = { config, genesis, issuer, issuerKey: keys.issuer, authority };
  const node = await makeIdentity(maker, {
    principal: options.node,
    kind: "node",
    shards: [{ first: 0, last: SHARDS - 1 }],
    grants: [],
    notAfterUnixMs: nowUnixMs + NODE_VALID_MS,
  });
  const operator = await makeIdentity(maker, {
    principal: OPERATOR,
    kind: "operator",
    shards: [],
    grants: [
      { intents: ["**"], targets: ["**"] },
      { intents: ["**"], targets: ["kernel/**"] },
    ],
    notAfterUnixMs: nowUnixMs + OPERATOR_VALID_MS,
  });
  await writeDirectory(dir, [
    ["genesis.bin", genesis.bytes],
    ["keys/genesis.key", seeds.genesis],
    ["keys/issuer.key", seeds.issuer],
    ["keys/broker.json", serialiseBrokerAuthority(authority)],
    [`trust/${ISSUER}.cert`, issuer.bytes],
    [`trust/${options.node}.cert`, node.certificate.bytes],
    [`trust/${OPERATOR}.cert`, operator.certificate.bytes],
    ["node.creds", node.creds],
    ["operator.creds", operator.creds],
    ["cell.json", `${JSON.stringify(config, null, 2)}\n`],
  ]);
  return config;
}

/** What it takes to make identities: the issuer's key and the broker's account. */
export type IdentityMaker = {
  readonly config: Pick<CellConfig, "cell" | "broker">;
  readonly genesis: Genesis;
  readonly issuer: Certificate;
  readonly issuerKey: SigningKey;
  readonly authority: BrokerAuthority;
};

export type NewIdentity = Pick<CertificateClaims, "principal" | "shards" | "grants" | "notAfterUnixMs"> & {
  readonly kind: "node" | "client" | "operator";
  /** From 1; one more than that of the certificate that it replaces. */
  readonly generation?: number;
  /** Whether a client may listen to the cell's events. */
  readonly events?: boolean;
  /** Whether a client may ask what runs. */
  readonly discovery?: boolean;
};

/** A key, its certificate and the file that carries both. */
export async function makeIdentity(
  maker: IdentityMaker,
  identity: NewIdentity,
): Promise<{ readonly certificate: Certificate; readonly creds: string }> {
  const seed = randomBytes(SEED_BYTES);
  const kind = identity.kind === "node" ? "node" : "client";
  const base = claims(SigningKey.fromSeed(seed), identity.principal, kind, identity.notAfterUnixMs);
  const { shards, grants, generation = 1 } = identity;
  const certificate = unwrap(
    issueCertificate({ ...base, shards, grants, generation }, maker.issuerKey, maker.genesis.hash),
  );
  const user = await issueUser({
    authority: maker.authority,
    kind: identity.kind,
    cell: maker.config.cell,
    principal: identity.principal,
    expiresUnixMs: identity.notAfterUnixMs,
    ...(identity.events === undefined ? {} : { events: identity.events }),
    ...(identity.discovery === undefined ? {} : { discovery: identity.discovery }),
  });
  const creds = formatCreds({
    jwt: user.jwt,
    nkeySeed: user.seed,
    cell: maker.config.cell,
    principal: identity.principal,
    broker: maker.config.broker.url,
    genesis: maker.genesis.bytes,
    key: seed,
    certificates: [maker.issuer.bytes, certificate.bytes],
  });
  return { certificate, creds };
}

function claims(
  key: SigningKey,
  principal: string,
  kind: CertificateClaims["kind"],
  notAfterUnixMs: number,
): CertificateClaims {
  return {
    key: key.publicKey,
    principal,
    kind,
    generation: 1,
    notBeforeUnixMs: Date.now() - ISSUED_AFTER_MS,
    notAfterUnixMs,
    shards: [],
    grants: [],
    revoked: false,
  };
}

type NewFile = readonly [name: string, content: string | Uint8Array];

/** Writes all files below a temporary directory, then moves them in place, `cell.json` last. */
export async function writeDirectory(dir: DataDir, files: readonly NewFile[]): Promise<void> {
  const parent = dirname(dir.root);
  await mkdir(parent, { recursive: true });
  const prefix = `.${basename(dir.root)}-new-`;
  // Of a start that was killed half way; whoever calls this holds the directory.
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await rm(join(parent, name), { recursive: true, force: true });
  }
  const making = await mkdtemp(join(parent, prefix));
  try {
    const made = dataDir(making);
    for (const directory of [
      "keys",
      "trust",
      "revisions",
      "revocations",
      "secrets",
      "broker",
      "core",
      "log",
    ]) {
      await mkdir(join(made.root, directory), { mode: 0o700 });
    }
    for (const [name, content] of files) {
      await writeFile(join(made.root, name), content, { mode: 0o600, flush: true });
    }
    await chmod(made.root, 0o700);
    await moveInto(made.root, dir);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** The directory may exist already with a lock in it: then its content is filled in around that. */
async function moveInto(made: string, dir: DataDir): Promise<void> {
  await mkdir(dir.root, { recursive: true, mode: 0o700 });
  const marker = join(dir.root, ".making");
  if (!(await exists(marker))) await requireNoKeys(dir);
  await chmod(dir.root, 0o700);
  await writeFile(marker, "");
  const config = join(made, "cell.json");
  await cp(made, dir.root, { recursive: true, filter: (source) => source !== config });
  await rm(marker);
  await rename(config, dir.cell);
}

/** cell.json may be lost, or unreadable for a moment; keys are never written over for that. Throws CELL_CONFIG_INVALID. */
async function requireNoKeys(dir: DataDir): Promise<void> {
  for (const path of [dir.genesis, dir.genesisKey, dir.issuerKey, dir.nodeCreds]) {
    if (!(await exists(path))) continue;
    throw new CellError(
      "CELL_CONFIG_INVALID",
      "cell.json cannot be read, but there are keys of a cell here",
      {
        where: path,
        remedy: "Bring cell.json back from a backup, or give another `--data-dir`.",
      },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

/** The port asked for, or any free one. Throws CELL_PORT_TAKEN. */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once("error", (cause) =>
    reject(new CellError("CELL_PORT_TAKEN", undefined, { where: `127.0.0.1:${wanted}`, cause })),
  );
  server.listen(wanted, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return await promise;
}

function unwrap<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: CellError },
): T {
  if (result.ok) return result.value;
  throw result.error;
}
