// A cell with fixed keys and a fixed clock: genesis, an issuer, node `a`, client `ann`.

import { CellError } from "../../src/errors/cell-error.ts";
import { err, type Result } from "../../src/errors/result.ts";
import { NOTHING_GRANTED } from "../../src/security/intake/authority.ts";
import { createIntake, type IntakeLimits, type IntakePorts } from "../../src/security/intake/intake.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import { ReplayWindow } from "../../src/security/replay/replay-window.ts";
import {
  type Certificate,
  type CertificateClaims,
  issueCertificate,
} from "../../src/security/trust/certificate.ts";
import { createGenesis } from "../../src/security/trust/genesis.ts";
import { TrustStore } from "../../src/security/trust/trust-store.ts";
import type { Capsule } from "../../src/security/wire/capsule.ts";
import { encodeCapsule } from "../../src/security/wire/encode-capsule.ts";
import { sealOne } from "../../src/security/wire/seal.ts";

export const NOW = 1_767_225_600_000;
export const CELL = "demo";
export const INBOX = `cell0.v1.${CELL}.inbox.ann.q1`;

export function must<T>(result: Result<T, CellError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}
export const codeOf = (result: Result<unknown, CellError>): string => (result.ok ? "ok" : result.error.code);

export const keyOf = (seedByte: number): SigningKey => SigningKey.fromSeed(new Uint8Array(32).fill(seedByte));
export const keys = {
  genesis: keyOf(1),
  issuer: keyOf(2),
  nodeA: keyOf(3),
  nodeB: keyOf(4),
  ann: keyOf(5),
  bob: keyOf(6),
  stranger: keyOf(7),
};

export const genesis = must(
  createGenesis({
    cell: CELL,
    genesisKey: keys.genesis.publicKey,
    createdUnixMs: NOW - 1_000,
    nonce: new Uint8Array(16).fill(9),
  }),
);

export function claimsOf(claims: Partial<CertificateClaims> = {}): CertificateClaims {
  return {
    key: keys.ann.publicKey,
    principal: "ann",
    kind: "client",
    generation: 1,
    notBeforeUnixMs: NOW - 1_000,
    notAfterUnixMs: NOW + 86_400_000,
    shards: [],
    grants: [],
    revoked: false,
    ...claims,
  };
}

export const certify = (claims: Partial<CertificateClaims>, signer: SigningKey = keys.issuer): Certificate =>
  must(issueCertificate(claimsOf(claims), signer, genesis.hash));

export const issuerCertificate = certify(
  { key: keys.issuer.publicKey, principal: "issuer", kind: "issuer" },
  keys.genesis,
);
export const nodeCertificate = certify({
  key: keys.nodeA.publicKey,
  principal: "a",
  kind: "node",
  shards: [{ first: 0, last: 255 }],
});
export const nodeBCertificate = certify({
  key: keys.nodeB.publicKey,
  principal: "b",
  kind: "node",
  shards: [{ first: 128, last: 255 }],
  notBeforeUnixMs: NOW - 500,
});
export const annCertificate = certify({ grants: [{ intents: ["ticket.*"], targets: ["support/**"] }] });
export const bobCertificate = certify({ key: keys.bob.publicKey, principal: "bob" });

export function trustStore(
  certificates: readonly Certificate[] = [
    issuerCertificate,
    nodeCertificate,
    nodeBCertificate,
    annCertificate,
    bobCertificate,
  ],
): TrustStore {
  const trust = new TrustStore(genesis);
  for (const { bytes } of certificates) must(trust.add(bytes, NOW));
  return trust;
}

let lastId = 0;
export function nextId(): Uint8Array {
  lastId += 1;
  const id = new Uint8Array(16).fill(0x70);
  new DataView(id.buffer).setUint32(12, lastId);
  return id;
}

/** A capsule of `ann` to `support/triage`, valid at NOW. */
export function capsuleOf(fields: Partial<Capsule> = {}): Capsule {
  const id = fields.id ?? nextId();
  return {
    id,
    rootId: id,
    causeId: new Uint8Array(),
    hopLimit: 8,
    target: "support/triage",
    intent: "ticket.open",
    contentType: "application/json",
    payload: new TextEncoder().encode('{"subject":"printer"}'),
    issuedAt: { unixMs: NOW - 10, counter: 0 },
    deadlineUnixMs: NOW + 5_000,
    priority: "normal",
    epoch: 0,
    capability: new Uint8Array(),
    traceparent: "",
    tracestate: "",
    replyInbox: INBOX,
    source: undefined,
    reply: undefined,
    ...fields,
  };
}

export const bytesOf = (fields: Partial<Capsule> = {}): Uint8Array => must(encodeCapsule(capsuleOf(fields)));
export const sealingOf = (key: SigningKey) => ({ key, genesisHash: genesis.hash });
export const sealed = (fields: Partial<Capsule> = {}, key: SigningKey = keys.ann): Uint8Array =>
  sealOne(bytesOf(fields), sealingOf(key));

export const SUBJECT = `cell0.v1.${CELL}.in.ann.support.triage`;
const placement: Readonly<Record<string, string>> = {
  "support/triage": "a",
  "support/router": "a",
  "support/far": "b",
  "kernel/graph": "a",
  "kernel/a/registry": "a",
};

/** No authority, so that no chain counts. */
export const noCapabilities: IntakePorts["capabilities"] = {
  verify: () => err(new CellError("CAPABILITY_AUTHORITY_UNKNOWN")),
};

/** Every intent is free, nothing is kept, and no children are made. */
export const freeResources: IntakePorts["resources"] = {
  priceOf: () => 0,
  isKept: () => false,
  childLimits: () => undefined,
};

export function portsOf(ports: Partial<IntakePorts> = {}): IntakePorts {
  return {
    cell: CELL,
    node: "a",
    genesisHash: genesis.hash,
    trust: trustStore(),
    replay: new ReplayWindow(),
    placementOf: (path) => placement[path],
    actorGrants: (path) =>
      path === "support/far"
        ? { grants: [{ intents: ["ticket.open"], targets: ["support/triage"] }] }
        : NOTHING_GRANTED,
    clientGrants: (name) =>
      name === "bob" ? [{ grants: [{ intents: ["ticket.open"], targets: ["support/triage"] }] }] : [],
    currentEpoch: () => 0,
    capabilities: noCapabilities,
    resources: freeResources,
    ...ports,
  };
}

export const intakeOf = (ports: Partial<IntakePorts> = {}, limits: Partial<IntakeLimits> = {}) =>
  createIntake(portsOf(ports), limits);
