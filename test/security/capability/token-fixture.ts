// Tokens that the node `a` signs, since it is whom these tests take for the cell's authority.
import { type Chain, chainOf } from "../../../src/security/capability/chain.ts";
import { ChainVerifier } from "../../../src/security/capability/chain-verifier.ts";
import type { Holder } from "../../../src/security/capability/holder.ts";
import type { Permission } from "../../../src/security/capability/permission.ts";
import { signToken, type TokenClaims } from "../../../src/security/capability/token.ts";
import type { RevocationView } from "../../../src/security/revocation/revocation-list.ts";
import { genesis, keys, must, NOW } from "../cell-fixture.ts";

export const everything: Permission = { intents: ["**"], targets: ["**"], constraints: [] };

/** Everything that the kernel's own actors do. */
export const SYSTEM = {
  ...{ kind: "system", permissions: [{ ...everything, targets: ["kernel/**"] }] },
} as const satisfies Partial<TokenClaims>;

/** Of a token that lets ann do everything for a minute, and hand it on. */
export const tokenClaims = (given: Partial<TokenClaims> = {}): TokenClaims => ({
  ...{ id: new Uint8Array(16).fill(1), kind: "user", holder: keys.ann.publicKey, parent: new Uint8Array() },
  ...{ permissions: [everything], limits: {}, notBeforeUnixMs: NOW - 1_000, notAfterUnixMs: NOW + 60_000 },
  ...{ maxDepth: 7, scope: "support", epoch: 0 },
  ...given,
});

export const rootChain = (given: Partial<TokenClaims> = {}, key = keys.nodeA): Chain =>
  must(chainOf([must(signToken(tokenClaims(given), key, genesis.hash))]));

/** A node that has heard a moment ago that nothing is revoked. */
export const nothingRevoked: RevocationView = {
  epochOf: () => 0,
  isRevoked: () => false,
  unheard: () => undefined,
};
export const inEpoch = (epoch: number): RevocationView => ({ ...nothingRevoked, epochOf: () => epoch });

/** Whom it names: an actor, or who has a key. */
export const userOf = ({ kind, holder }: Pick<TokenClaims, "kind" | "holder">): Holder =>
  kind === "agent" ? { actor: holder } : holder;

export type VerifierPorts = Partial<ConstructorParameters<typeof ChainVerifier>[0]>;

export const chainVerifier = (given: VerifierPorts = {}): ChainVerifier =>
  new ChainVerifier({
    genesisHash: genesis.hash,
    isAuthority: ({ issuer }) => Buffer.compare(issuer, keys.nodeA.publicKey) === 0,
    isStanding: () => true,
    revocations: nothingRevoked,
    skewMs: 5_000,
    monotonicMs: () => 0,
    ...given,
  });
