// What a manifest grants to one holder, as a capability. It stands in the signed revision of the
// graph that every node has, and travels no further: it is named by a hash, is of a scope and an
// epoch, and is revoked as a token is. Pure.
import { CellError } from "../../errors/cell-error.ts";
import { sha256, toHex } from "../bytes.ts";
import type { RevocationList } from "../revocation/revocation-list.ts";

/** It does not end by time: the last that a date can be. */
export const NEVER_UNIX_MS = 8_640_000_000_000_000;

export type ManifestCapability = {
  /** Name of the graph. */
  readonly scope: string;
  /** Of the scope, when it was minted. */
  readonly epoch: number;
  /** The revision itself says that it counts no more. */
  readonly revoked: boolean;
  /** SHA-256, by which it is revoked. Made when it is first asked for. */
  readonly hash: () => Uint8Array;
};

/** What is known to be revoked. */
export type RevokedView = Pick<RevocationList, "epochOf" | "isRevoked" | "isEmpty">;

const DOMAIN = "cell0 manifest capability";
const encoder = new TextEncoder();

/** @param named what makes it another capability than any other, in one form; asked for with the hash */
export function manifestCapability(
  terms: Pick<ManifestCapability, "scope" | "epoch" | "revoked">,
  named: () => readonly (string | number)[],
): ManifestCapability {
  let hash: Uint8Array | undefined;
  return {
    ...terms,
    hash() {
      hash ??= sha256(encoder.encode(JSON.stringify([DOMAIN, terms.scope, terms.epoch, ...named()])));
      return hash;
    },
  };
}

/** Whether it counts no more; one of a later epoch than is known here does: of that this node will hear. */
export function isVoid({ scope, epoch, revoked, hash }: ManifestCapability, view: RevokedView): boolean {
  if (revoked) return true;
  return !view.isEmpty() && (epoch < view.epochOf(scope) || view.isRevoked(hash()));
}

const REMEDY = "Where it is to count again: `cell0 cap regrant`.";

/** What stands against it now: CAPABILITY_EPOCH_STALE, CAPABILITY_REVOKED, CAPABILITY_REVOCATIONS_UNHEARD. */
export function faultOf(
  capability: ManifestCapability,
  view: RevokedView & Pick<RevocationList, "unheardForLong">,
  nowUnixMs: number,
  nowMs: number,
): CellError | undefined {
  if (!isVoid(capability, view)) return view.unheardForLong(nowUnixMs, nowMs);
  const { scope, epoch, hash } = capability;
  const options = { where: toHex(hash()), remedy: REMEDY };
  return epoch < view.epochOf(scope)
    ? new CellError("CAPABILITY_EPOCH_STALE", `all that the graph ${scope} grants was revoked`, options)
    : new CellError("CAPABILITY_REVOKED", "what its manifest grants was revoked", options);
}
