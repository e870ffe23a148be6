// What this command line knows of the cell's keys without asking anybody: from `--creds` when
// given, else from the data directory.
import { type ChainVerifier, cellChainVerifier, isAuthority } from "../security/capability/chain-verifier.ts";
import type { RevocationView } from "../security/revocation/revocation-list.ts";
import { isStranger, TrustStore } from "../security/trust/trust-store.ts";
import { readGenesisFile, readRevocationList, readTrust } from "./cell-keys.ts";
import type { Context } from "./context.ts";
import { ownIdentity } from "./own-identity.ts";

export type KnownTrust = {
  readonly trust: TrustStore;
  readonly revocations: RevocationView;
  /** Whether it holds everybody's certificates; an identity file holds its issuer's and its own. */
  readonly isWhole: boolean;
};

/** An identity file says nothing of revocations. */
const UNKNOWN: RevocationView = {
  epochOf: () => undefined,
  isRevoked: () => false,
  unheard: () => undefined,
};

/** Throws CELL_NOT_FOUND, CELL_KEY_DAMAGED, AUTHORITY_IDENTITY_INVALID. */
export async function knownTrust(context: Context): Promise<KnownTrust> {
  if (context.hasOwnIdentity) {
    const { genesis, certificates } = await ownIdentity(context);
    const trust = new TrustStore(genesis);
    for (const { bytes } of certificates) trust.add(bytes, Date.now());
    return { trust, revocations: UNKNOWN, isWhole: false };
  }
  const { readCellConfig } = await import("../runtime/cell-config.ts");
  await readCellConfig(context.dir);
  const genesis = await readGenesisFile(context.dir);
  return {
    trust: await readTrust(context.dir, genesis),
    // What it has heard lately is a node's concern.
    revocations: { ...(await readRevocationList(context.dir, genesis)), unheard: () => undefined },
    isWhole: true,
  };
}

/** A node's verdict, as far as it can be known here: of keys that an identity file cannot hold nothing is said. */
export function chainVerifierOf({ trust, revocations, isWhole }: KnownTrust): ChainVerifier {
  if (isWhole) return cellChainVerifier(trust, revocations);
  const isUnknown = (key: Uint8Array, nowUnixMs: number) => isStranger(trust.byKey(key, nowUnixMs));
  return cellChainVerifier(trust, revocations, {
    isAuthority: (root, nowUnixMs) =>
      isAuthority(root, trust, nowUnixMs) || isUnknown(root.issuer, nowUnixMs),
    isStanding: (key, nowUnixMs) => trust.byKey(key, nowUnixMs).ok || isUnknown(key, nowUnixMs),
  });
}
