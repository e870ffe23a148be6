// Credentials of one principal: a user token signed by the cell's account, with
// the permissions of its kind, and the seed that proves it. And those of who keeps the
// broker's door, in the broker's own account, from which nothing of the cell is to be seen.
import { encodeUser } from "@nats-io/jwt";
import { createUser, type KeyPair } from "@nats-io/nkeys";
import type { BrokerAuthority } from "./authority.ts";
import { keyPair } from "./authority.ts";
import { natsCreds } from "./nats-creds.ts";
import { DOORKEEPER, doorkeeperPermissions, type PermissionRequest, permissionsOf } from "./permissions.ts";

export type UserRequest = PermissionRequest & {
  readonly authority: BrokerAuthority;
  /** When the broker stops to accept it, milliseconds since the Unix epoch; never by default. */
  readonly expiresUnixMs?: number;
};

export type BrokerUser = {
  /** NKey of the user, `U...`. */
  readonly publicKey: string;
  readonly jwt: string;
  readonly seed: string;
  /** Token and seed in the format of a NATS creds file. */
  readonly creds: string;
};

const LIMITS = { node: { subs: 100_000 }, client: { subs: 1024 }, operator: { subs: 4096 } } as const;

export async function issueUser(request: UserRequest): Promise<BrokerUser> {
  const { authority, kind, principal, expiresUnixMs } = request;
  const permissions = permissionsOf(request);
  const user = createUser();
  const jwt = await encodeUser(
    principal,
    user,
    keyPair(authority.accountSeed),
    {
      pub: { allow: [...permissions.publish], deny: [...permissions.publishDenied] },
      sub: { allow: [...permissions.subscribe], deny: [] },
      ...(permissions.responses === undefined
        ? {}
        : { resp: { max: permissions.responses.max, ttl: permissions.responses.ttlMs * 1_000_000 } }),
      subs: LIMITS[kind].subs,
      data: -1,
      payload: -1,
      bearer_token: false,
      // No node runs in a page: what its file could do there is not to be had there.
      allowed_connection_types: kind === "node" ? ["STANDARD"] : ["STANDARD", "WEBSOCKET"],
      tags: [kind],
    },
    {
      signer: keyPair(authority.signingSeed),
      ...(expiresUnixMs === undefined ? {} : { exp: Math.ceil(expiresUnixMs / 1000) }),
    },
  );
  return credentialsOf(user, jwt);
}

/** May see who is connected and listens to what, and end a connection. */
export async function issueDoorkeeper(authority: BrokerAuthority): Promise<BrokerUser> {
  const user = createUser();
  const jwt = await encodeUser(
    DOORKEEPER,
    user,
    keyPair(authority.systemSeed),
    {
      pub: { allow: [...doorkeeperPermissions.publish], deny: [] },
      sub: { allow: [...doorkeeperPermissions.subscribe], deny: [] },
      subs: 16,
      data: -1,
      payload: -1,
      bearer_token: false,
      allowed_connection_types: ["STANDARD"],
    },
    { signer: keyPair(authority.systemSeed) },
  );
  return credentialsOf(user, jwt);
}

function credentialsOf(user: KeyPair, jwt: string): BrokerUser {
  const seed = new TextDecoder().decode(user.getSeed());
  return { publicKey: user.getPublicKey(), jwt, seed, creds: natsCreds(jwt, seed) };
}
