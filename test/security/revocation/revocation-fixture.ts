import { mapKey } from "../../../src/security/bytes.ts";
import {
  type RevocationClaims,
  type Revocations,
  type RevokedToken,
  signRevocations,
} from "../../../src/security/revocation/revocations.ts";
import { genesis, keys, must, NOW } from "../cell-fixture.ts";

export const hashOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);

export const tokensOf = (...tokens: readonly RevokedToken[]): ReadonlyMap<string, RevokedToken> =>
  new Map(tokens.map((token) => [mapKey(token.hash), token]));

export const revocationClaims = (given: Partial<RevocationClaims> = {}): RevocationClaims => ({
  generation: 1,
  issuedUnixMs: NOW,
  author: "operator",
  causeId: new Uint8Array(16),
  epochs: new Map(),
  tokens: new Map(),
  ...given,
});

export const revocationsOf = (given: Partial<RevocationClaims> = {}, key = keys.nodeA): Revocations =>
  must(signRevocations(revocationClaims(given), key, genesis));
