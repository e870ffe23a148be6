// What the authority stage costs: by a grant of the certificate or of a manifest, and by chains of
// tokens that the node knows or sees for the first time.
import { randomBytes } from "node:crypto";
import { type Chain, chainBytes, chainOf } from "../src/security/capability/chain.ts";
import { cellChainVerifier } from "../src/security/capability/chain-verifier.ts";
import { signToken } from "../src/security/capability/token.ts";
import { type AuthorityPorts, authorise, NOTHING_GRANTED } from "../src/security/intake/authority.ts";
import type { RevocationView } from "../src/security/revocation/revocation-list.ts";
import type { Certificate } from "../src/security/trust/certificate.ts";
import type { Capsule } from "../src/security/wire/capsule.ts";
import { type makeBenchCell, unwrap } from "./bench-trust.ts";
import { narrow } from "./chains.ts";
import { each, ROUNDS } from "./stage-figures.ts";

const NOTHING_REVOKED: RevocationView = {
  epochOf: () => undefined,
  isRevoked: () => false,
  unheard: () => undefined,
};

export type Tokens = {
  readonly ports: AuthorityPorts;
  readonly certificate: Certificate;
  /** Chains of one link and of three, for the client. */
  readonly one: Uint8Array;
  readonly three: Uint8Array;
  /** One of three links that nobody has seen. */
  next(): Uint8Array;
};

export function openTokens({
  genesis,
  trust,
  issuerKey,
  clientKey,
}: ReturnType<typeof makeBenchCell>): Tokens {
  let seconds = 0;
  const capabilities = cellChainVerifier(trust, NOTHING_REVOKED, {
    // Each look at the clock is a second later: what is bounded a second is not what is measured.
    monotonicMs: () => {
      seconds += 1;
      return seconds * 1000;
    },
  });
  const now = Date.now();
  const claims = {
    id: new Uint8Array(randomBytes(16)),
    holder: clientKey.publicKey,
    kind: "user",
    permissions: [{ intents: ["greet"], targets: ["hello/greeter"], constraints: [] }],
    limits: {},
    notBeforeUnixMs: now - 60_000,
    notAfterUnixMs: now + 3_600_000,
    maxDepth: 7,
    scope: "default",
    epoch: 0,
    parent: new Uint8Array(),
  } as const;
  const root = unwrap(chainOf([unwrap(signToken(claims, issuerKey, genesis.hash))]));
  const ofLinks = (links: number): Chain => narrow(root, links - 1, clientKey, genesis.hash);
  return {
    ports: {
      placementOf: () => "a",
      actorGrants: () => NOTHING_GRANTED,
      clientGrants: () => [{ grants: [{ intents: ["greet"], targets: ["hello/*"] }] }],
      currentEpoch: () => 0,
      capabilities,
      resources: { priceOf: () => 0, isKept: () => false, childLimits: () => undefined },
    },
    certificate: unwrap(trust.byPrincipal("ada", now)),
    one: chainBytes(root),
    three: chainBytes(ofLinks(3)),
    next: () => chainBytes(ofLinks(3)),
  };
}

export function printAuthority(tokens: Tokens): void {
  const { ports, certificate, one, three } = tokens;
  const now = Date.now();
  const by = (capability: Uint8Array, of: Certificate = certificate) =>
    unwrap(authorise({ ...CAPSULE, deadlineUnixMs: now + 60_000, capability }, of, ports, now, 0));
  each("authority: a grant of the certificate", () => by(NONE));
  each("authority: a grant of a manifest", () => by(NONE, { ...certificate, grants: [] }));
  each("authority: a known token of 1 link", () => by(one));
  each("authority: a known token of 3 links", () => by(three));
  const unseen = Array.from({ length: 2 * ROUNDS }, () => tokens.next());
  let at = 0;
  each("authority: a new token of 3 links", () => by(unseen[at++] ?? NONE));
}

const NONE = new Uint8Array();
const CAPSULE: Omit<Capsule, "deadlineUnixMs" | "capability"> = {
  id: new Uint8Array(16),
  rootId: new Uint8Array(16),
  causeId: NONE,
  hopLimit: 8,
  target: "hello/greeter",
  intent: "greet",
  contentType: "application/json",
  payload: new TextEncoder().encode('{"name":"Ada"}'),
  issuedAt: { unixMs: 0, counter: 0 },
  priority: "normal",
  epoch: 0,
  traceparent: "",
  tracestate: "",
  replyInbox: "",
  source: undefined,
  reply: undefined,
};
