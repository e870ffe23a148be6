// The one file of a principal: a standard NATS creds file, which every NATS
// tool reads, followed by what it takes to sign and verify capsules. It holds
// secrets; whoever writes it keeps it from others. Nothing in it is verified
// here.
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import { isToken } from "../security/names.ts";

export type Identity = {
  readonly cell: string;
  readonly principal: string;
  /** Address of the broker, `nats://host:port`. */
  readonly broker: string;
  /** User token and seed in the format of a NATS creds file. */
  readonly natsCreds: string;
  /** Genesis as first written. */
  readonly genesis: Uint8Array;
  /** 32-byte Ed25519 seed of the capsule key. */
  readonly key: Uint8Array;
  /** SignedCertificates, the issuer's first, the principal's own last. */
  readonly certificates: readonly Uint8Array[];
};

const MAX_FILE_LENGTH = 512 * 1024;
const BLOCK = /-----BEGIN CELL0 IDENTITY-----\r?\n([\w-]+)\r?\n-----END CELL0 IDENTITY-----/;
const NATS_CREDS =
  /-----BEGIN NATS USER JWT-----\r?\n[\w.-]+\r?\n-+END NATS USER JWT-+[\s\S]*?-----BEGIN USER NKEY SEED-----\r?\n\w+\r?\n-+END USER NKEY SEED-+\r?\n/;

const bytes = z
  .string()
  .regex(/^[\w-]*$/)
  .transform((value) => new Uint8Array(Buffer.from(value, "base64url")));
const token = z.string().refine(isToken, "not a token of [a-z0-9-]");
const identitySchema = z.object({
  cell: token,
  principal: token,
  broker: z.string().min(1).max(1024),
  genesis: bytes,
  key: bytes.refine((key) => key.length === 32, "not 32 bytes"),
  certificates: z.array(bytes).min(1).max(8),
});

export function formatIdentity(identity: Identity): string {
  const { cell, principal, broker } = identity;
  const json = JSON.stringify({
    cell,
    principal,
    broker,
    genesis: base64url(identity.genesis),
    key: base64url(identity.key),
    certificates: identity.certificates.map(base64url),
  });
  return `${identity.natsCreds.trimEnd()}

-----BEGIN CELL0 IDENTITY-----
${Buffer.from(json).toString("base64url")}
-----END CELL0 IDENTITY-----
`;
}

/** Throws BROKER_IDENTITY_INVALID. @param where for the error: the file's path */
export function parseIdentity(text: string, where?: string): Identity {
  const place = where === undefined ? {} : { where };
  const natsCreds = text.length > MAX_FILE_LENGTH ? undefined : NATS_CREDS.exec(text)?.[0];
  const block = natsCreds === undefined ? undefined : BLOCK.exec(text)?.[1];
  if (natsCreds === undefined || block === undefined) {
    throw new CellError(
      "BROKER_IDENTITY_INVALID",
      "the file holds no NATS credentials with a CELL0 IDENTITY",
      place,
    );
  }
  try {
    const json: unknown = JSON.parse(Buffer.from(block, "base64url").toString("utf8"));
    return { ...identitySchema.parse(json), natsCreds };
  } catch (cause) {
    throw new CellError("BROKER_IDENTITY_INVALID", "the CELL0 IDENTITY block is damaged", {
      ...place,
      cause,
    });
  }
}

const base64url = (value: Uint8Array): string => Buffer.from(value).toString("base64url");
