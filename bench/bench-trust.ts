// A cell's keys and certificates for a benchmark in one process: a genesis, an issuer, a
// node `a`, and a client `ada` that may send everything.
import { randomBytes } from "node:crypto";
import { CellError } from "../src/errors/cell-error.ts";
import { err } from "../src/errors/result.ts";
import { HybridClock } from "../src/security/clock/hybrid-clock.ts";
import { SigningKey } from "../src/security/keys/signing-key.ts";
import { issueCertificate } from "../src/security/trust/certificate.ts";
import { createGenesis } from "../src/security/trust/genesis.ts";
import { TrustStore } from "../src/security/trust/trust-store.ts";

/** For intents that carry none. */
export const noCapabilities = { verify: () => err(new CellError("CAPABILITY_AUTHORITY_UNKNOWN")) };

export function makeBenchCell() {
  const cell = "bench";
  const key = () => SigningKey.fromSeed(randomBytes(32));
  const nodeSeed = randomBytes(32);
  const [genesisKey, issuerKey, clientKey] = [key(), key(), key()];
  const nodeKey = SigningKey.fromSeed(nodeSeed);
  const createdUnixMs = Date.now();
  const genesis = unwrap(
    createGenesis({ cell, genesisKey: genesisKey.publicKey, createdUnixMs, nonce: randomBytes(16) }),
  );
  const claims = {
    generation: 1,
    notBeforeUnixMs: createdUnixMs - 60_000,
    notAfterUnixMs: createdUnixMs + 3_600_000,
    shards: [],
    revoked: false,
    grants: [],
  };
  const all = [{ intents: ["**"], targets: ["**"] }];
  const certify = (
    holder: SigningKey,
    principal: string,
    kind: "issuer" | "node" | "client",
    by: SigningKey,
  ) => {
    const grants = kind === "client" ? all : [];
    const certificate = { ...claims, key: holder.publicKey, principal, kind, grants };
    return unwrap(issueCertificate(certificate, by, genesis.hash)).bytes;
  };
  const issuer = certify(issuerKey, "issuer", "issuer", genesisKey);
  const node = certify(nodeKey, "a", "node", issuerKey);
  const trust = new TrustStore(genesis);
  for (const bytes of [issuer, node, certify(clientKey, "ada", "client", issuerKey)])
    unwrap(trust.add(bytes, createdUnixMs));
  return { cell, genesis, trust, clock: new HybridClock(Date.now), nodeKey, clientKey, issuerKey };
}

/** What cannot fail in a benchmark. */
export function unwrap<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Error },
): T {
  if (result.ok) return result.value;
  throw result.error;
}
