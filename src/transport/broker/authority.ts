// The broker's chain of keys: an operator signs the accounts, a signing key of
// the cell's account signs the users. The broker knows operator and accounts
// from its configuration; users bring their token along, so that adding one
// changes nothing there.
import { encodeAccount, encodeOperator } from "@nats-io/jwt";
import { createAccount, createOperator, fromSeed, type KeyPair } from "@nats-io/nkeys";
import { z } from "zod";
import { CellError } from "../../errors/cell-error.ts";

/** Seeds and tokens, as kept among the cell's keys; plain JSON. Whoever has it rules the broker, not the cell. */
export type BrokerAuthority = z.infer<typeof authoritySchema>;

const seed = (role: "O" | "A") => z.string().regex(new RegExp(`^S${role}[A-Z2-7]{56}$`));
const token = z.string().regex(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);

const authoritySchema = z.strictObject({
  version: z.literal(1),
  cell: z.string(),
  operatorSeed: seed("O"),
  systemSeed: seed("A"),
  accountSeed: seed("A"),
  /** Signs users; can be replaced without another account. */
  signingSeed: seed("A"),
  operatorJwt: token,
  systemJwt: token,
  accountJwt: token,
});

export type AccountLimits = {
  readonly maxConnections?: number;
  readonly maxSubscriptions?: number;
  readonly maxPayloadBytes?: number;
  readonly maxStreams?: number;
  readonly maxConsumers?: number;
};

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const keyPair = (seedText: string): KeyPair => fromSeed(new TextEncoder().encode(seedText));

/** Makes all keys anew. */
export async function createBrokerAuthority(
  cell: string,
  limits: AccountLimits = {},
): Promise<BrokerAuthority> {
  const operator = createOperator();
  const [system, account, signing] = [createAccount(), createAccount(), createAccount()];
  const operatorJwt = await encodeOperator(cell, operator, { system_account: system.getPublicKey() });
  const systemJwt = await encodeAccount("SYS", system, { limits: unlimited }, { signer: operator });
  const accountJwt = await encodeAccount(
    cell,
    account,
    { limits: accountLimits(limits), signing_keys: [signing.getPublicKey()] },
    { signer: operator },
  );
  return {
    version: 1,
    cell,
    operatorSeed: textOf(operator.getSeed()),
    systemSeed: textOf(system.getSeed()),
    accountSeed: textOf(account.getSeed()),
    signingSeed: textOf(signing.getSeed()),
    operatorJwt,
    systemJwt,
    accountJwt,
  };
}

export const serialiseBrokerAuthority = (authority: BrokerAuthority): string =>
  `${JSON.stringify(authority, null, 2)}\n`;

/** Throws BROKER_AUTHORITY_INVALID. */
export function parseBrokerAuthority(text: string): BrokerAuthority {
  try {
    const authority = authoritySchema.parse(JSON.parse(text));
    for (const value of [authority.operatorSeed, authority.accountSeed, authority.signingSeed])
      keyPair(value);
    return authority;
  } catch (cause) {
    throw new CellError("BROKER_AUTHORITY_INVALID", undefined, { cause });
  }
}

const unlimited = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  conn: -1,
  leaf: -1,
  wildcards: true,
};

const accountLimits = (limits: AccountLimits) => ({
  ...unlimited,
  leaf: 0,
  subs: limits.maxSubscriptions ?? 200_000,
  payload: limits.maxPayloadBytes ?? -1,
  conn: limits.maxConnections ?? 4096,
  mem_storage: 256 * 1024 * 1024,
  disk_storage: -1,
  streams: limits.maxStreams ?? 64,
  consumer: limits.maxConsumers ?? 4096,
});
