// A way past the outer fence, for benchmarks: a connection of the cell's account to which nothing
// is denied, and as many certified clients as are wanted, all served through it.
import { randomBytes } from "node:crypto";
import { encodeUser } from "@nats-io/jwt";
import { createUser } from "@nats-io/nkeys";
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
} from "@nats-io/transport-node";
import { type CellKeys, readCellKeys } from "../src/cli/cell-keys.ts";
import { connect as connectCell } from "../src/client.ts";
import { dataDir } from "../src/runtime/data-dir.ts";
import { SigningKey } from "../src/security/keys/signing-key.ts";
import { issueCertificate } from "../src/security/trust/certificate.ts";
import { keyPair } from "../src/transport/broker/authority.ts";
import { natsCreds } from "../src/transport/broker/nats-creds.ts";
import type { BenchCell } from "./bench-cell.ts";
import { unwrap } from "./bench-trust.ts";

export type OpenBus = { readonly nats: NatsConnection; readonly url: string; readonly creds: string };

/** As who owns the broker has it. */
export async function openBus(cell: BenchCell): Promise<OpenBus> {
  const { maker } = await readCellKeys(dataDir(cell.dataDir));
  const { accountSeed, signingSeed } = maker.authority;
  const user = createUser();
  const jwt = await encodeUser(
    "open",
    user,
    keyPair(accountSeed),
    { pub: { allow: [">"], deny: [] }, sub: { allow: [">"], deny: [] }, subs: -1, data: -1, payload: -1 },
    { signer: keyPair(signingSeed) },
  );
  const creds = natsCreds(jwt, new TextDecoder().decode(user.getSeed()));
  const { url } = maker.config.broker;
  return { nats: await connectOpen(url, creds), url, creds };
}

export const connectOpen = (
  url: string,
  creds: string,
  options: Pick<ConnectionOptions, "reconnect"> = {},
): Promise<NatsConnection> =>
  connect({
    ...options,
    servers: url,
    authenticator: credsAuthenticator(new TextEncoder().encode(creds)),
  });

export type CertifiedClient = {
  readonly principal: string;
  readonly seed: Uint8Array;
  readonly key: SigningKey;
};

/** Clients that may greet, each with a key of its own, in the node's trust store when this returns. */
export async function certifyClients(cell: BenchCell, count: number): Promise<readonly CertifiedClient[]> {
  const keys = await readCellKeys(dataDir(cell.dataDir));
  const clients = Array.from({ length: count }, (_, index) => {
    const seed = randomBytes(32);
    return { principal: `client-${index}`, seed, key: SigningKey.fromSeed(seed) };
  });
  const operator = await connectCell({ identity: cell.identity });
  try {
    const items = clients.map((client) => ({
      target: `kernel/${keys.node}/authority`,
      intent: "trust.add",
      payload: { certificate: Buffer.from(certificateOf(client, keys)).toString("base64") },
      options: { timeoutMs: 60_000 },
    }));
    const { failed } = await operator.many(items, { concurrency: 32 });
    if (failed > 0) throw new Error(`${failed} of ${count} certificates were not taken`);
  } finally {
    await operator.close();
  }
  return clients;
}

function certificateOf({ principal, key }: CertifiedClient, { maker }: CellKeys): Uint8Array {
  const now = Date.now();
  const claims = {
    key: key.publicKey,
    principal,
    kind: "client",
    generation: 1,
    notBeforeUnixMs: now - 60_000,
    notAfterUnixMs: now + 3_600_000,
    shards: [],
    grants: [{ intents: ["greet"], targets: ["hello/greeter"] }],
    revoked: false,
  } as const;
  return unwrap(issueCertificate(claims, maker.issuerKey, maker.genesis.hash)).bytes;
}
