// The one file of an identity, `<name>.creds`: a NATS credentials file that any
// NATS client reads, then the cell's own block. Parsing never quotes the file in
// an error, because half of it is secret.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { equalBytes, fromBase64Url, toBase64Url } from "../bytes.ts";
import type { Chain } from "../capability/chain.ts";
import { parseTokenFile, tokenPart } from "../capability/token-file.ts";
import { SEED_BYTES, SigningKey } from "../keys/signing-key.ts";
import { isToken } from "../names.ts";
import { type Certificate, MAX_CERTIFICATE_BYTES, readCertificate } from "../trust/certificate.ts";
import { type Genesis, readGenesis } from "../trust/genesis.ts";
import { unwrap, wrap } from "./armour.ts";

export const MAX_CREDS_BYTES = 256 * 1024;
/** An issuer's, the nodes' that may answer, its own. */
export const MAX_CREDS_CERTIFICATES = 16;
const MAX_BROKER_LENGTH = 512;

export type Identity = {
  /** The broker's user JWT and nkey seed, as NATS clients take them. */
  readonly jwt: string;
  readonly nkeySeed: string;
  readonly cell: string;
  readonly principal: string;
  /** URL of the broker. */
  readonly broker: string;
  /** genesis.bin. */
  readonly genesis: Uint8Array;
  /** Seed of the capsule key, 32 bytes. */
  readonly key: Uint8Array;
  /** SignedCertificate messages, the issuer's first. */
  readonly certificates: readonly Uint8Array[];
};

export type ParsedIdentity = Omit<Identity, "genesis" | "certificates"> & {
  readonly genesis: Genesis;
  readonly certificates: readonly Certificate[];
  /** The principal's own. */
  readonly certificate: Certificate;
  /** What it may do, where its file says so: a chain of tokens whose last link its key holds. */
  readonly capability?: Chain;
};

const JWT = /^[A-Za-z0-9_-]{1,16384}\.[A-Za-z0-9_-]{1,65536}\.[A-Za-z0-9_-]{1,1024}$/;
const USER_SEED = /^SU[A-Z2-7]{56}$/;
const BROKER_URL = /^[a-z]{2,8}:\/\/[^\s\p{Cc}]{1,500}$/u;

const NOTICE = `
************************* IMPORTANT *************************
The seeds below prove this identity. Whoever has them is it.
Keep this file readable by its owner only.
`;

/** The text of the file. Throws AUTHORITY_IDENTITY_INVALID for what parseCreds would refuse. */
export function formatCreds(identity: Identity): string {
  const block = JSON.stringify({
    cell: identity.cell,
    principal: identity.principal,
    broker: identity.broker,
    genesis: toBase64Url(identity.genesis),
    key: toBase64Url(identity.key),
    certificates: identity.certificates.map(toBase64Url),
  });
  const text = [
    wrap("NATS USER JWT", identity.jwt),
    NOTICE,
    wrap("USER NKEY SEED", identity.nkeySeed),
    wrap("CELL0 IDENTITY", toBase64Url(new TextEncoder().encode(block))),
  ].join("\n");
  const parsed = parseCreds(text);
  if (!parsed.ok) throw parsed.error;
  return text;
}

/** Reads the file and checks that its parts fit each other: genesis, name, key and certificates. The certificates' chain is the trust store's to judge. */
export function parseCreds(text: string): Result<ParsedIdentity, CellError> {
  if (text.length > MAX_CREDS_BYTES) return invalid("the file is too large");
  const jwt = unwrap("NATS USER JWT", text);
  if (jwt === undefined || !JWT.test(jwt)) return invalid("it has no NATS user JWT");
  const nkeySeed = unwrap("USER NKEY SEED", text);
  if (nkeySeed === undefined || !USER_SEED.test(nkeySeed)) return invalid("it has no NATS user seed");
  const block = unwrap("CELL0 IDENTITY", text);
  const fields = block === undefined ? undefined : readBlock(block);
  if (fields === undefined) return invalid("its block CELL0 IDENTITY is missing or damaged");
  const identity = readIdentity(fields);
  if (!identity.ok) return identity;
  const read: ParsedIdentity = { jwt, nkeySeed, ...identity.value };
  const token = tokenPart(text);
  return token === undefined ? ok(read) : withCapability(read, token);
}

function withCapability(identity: ParsedIdentity, text: string): Result<ParsedIdentity, CellError> {
  const capability = parseTokenFile(text);
  if (!capability.ok)
    return invalid(`its block CELL0 CAPABILITY cannot be read: ${capability.error.message}`);
  if (!equalBytes(capability.value.last.holder, identity.certificate.key)) {
    return invalid("its capability is held by another key");
  }
  return ok({ ...identity, capability: capability.value });
}

/** The key that the file's seed makes. */
export const signingKeyOf = (identity: ParsedIdentity): SigningKey => SigningKey.fromSeed(identity.key);

type Fields = ReadonlyMap<string, unknown>;

/** JSON.parse quotes what it cannot read in its error; that error goes no further. */
function readBlock(block: string): Fields | undefined {
  const bytes = fromBase64Url(block);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

function readIdentity(fields: Fields): Result<Omit<ParsedIdentity, "jwt" | "nkeySeed">, CellError> {
  const cell = textOf(fields, "cell");
  const principal = textOf(fields, "principal");
  const broker = textOf(fields, "broker");
  if (!isToken(cell) || !isToken(principal))
    return invalid("its cell or principal is not a token of [a-z0-9-]");
  if (broker.length > MAX_BROKER_LENGTH || !BROKER_URL.test(broker))
    return invalid("its broker is not a URL");
  const genesis = readGenesis(bytesOf(fields, "genesis"));
  if (!genesis.ok) return invalid(genesis.error.message);
  if (genesis.value.cell !== cell) return invalid("its genesis belongs to another cell");
  const key = bytesOf(fields, "key");
  if (key.length !== SEED_BYTES) return invalid("its key is not a seed of 32 bytes");
  const certificates = readCertificates(fields.get("certificates"));
  if (!certificates.ok) return certificates;
  const certificate = certificates.value.findLast((each) => each.principal === principal);
  if (certificate === undefined) return invalid("it holds no certificate of its principal");
  if (!equalBytes(certificate.key, SigningKey.fromSeed(key).publicKey)) {
    return invalid("its certificate belongs to another key");
  }
  return ok({
    cell,
    principal,
    broker,
    genesis: genesis.value,
    key,
    certificates: certificates.value,
    certificate,
  });
}

function readCertificates(value: unknown): Result<readonly Certificate[], CellError> {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_CREDS_CERTIFICATES) {
    return invalid(`it must hold 1 to ${MAX_CREDS_CERTIFICATES} certificates`);
  }
  const certificates: Certificate[] = [];
  for (const text of value) {
    const short = typeof text === "string" && text.length <= 2 * MAX_CERTIFICATE_BYTES;
    const read = readCertificate((short ? fromBase64Url(text) : undefined) ?? new Uint8Array());
    if (!read.ok) return invalid(read.error.message);
    certificates.push(read.value);
  }
  return ok(certificates);
}

function textOf(fields: Fields, name: string): string {
  const value = fields.get(name);
  return typeof value === "string" ? value : "";
}

const bytesOf = (fields: Fields, name: string): Uint8Array =>
  fromBase64Url(textOf(fields, name)) ?? new Uint8Array();

const invalid = (why: string) =>
  err(new CellError("AUTHORITY_IDENTITY_INVALID", `the identity file is not valid: ${why}`));
