// Keys that nodes and issuers were certified for before the one that counts now: what they
// signed in their time stays readable after a rotation. Nothing new is accepted under them.
// Bounded for each; the oldest give way.
import { mapKey } from "../bytes.ts";
import type { Certificate } from "./certificate.ts";

/** Older certificates of one node or issuer: a rotation takes up to three, with its end and the issuer's own. */
export const MAX_RETIRED = 24;
/**
 * A certificate is made valid from a minute before it is issued, for clocks that differ: until
 * then, at least, the key before it was the node's.
 */
export const ISSUED_AFTER_MS = 60_000;

export class RetiredKeys {
  /** By name, the lowest generation first. */
  readonly #byPrincipal = new Map<string, readonly Certificate[]>();

  /** @param certificate whose chain and signature were verified; a client's is not kept */
  keep(certificate: Certificate): void {
    if (certificate.kind === "client") return;
    const { principal, generation } = certificate;
    const others = this.of(principal).filter((each) => each.generation !== generation);
    const all = [...others, certificate].sort((a, b) => a.generation - b.generation);
    this.#byPrincipal.set(principal, all.slice(-MAX_RETIRED));
  }

  /** It is the name of another kind of principal now. */
  forget(principal: string): void {
    this.#byPrincipal.delete(principal);
  }

  of(principal: string): readonly Certificate[] {
    return this.#byPrincipal.get(principal) ?? [];
  }

  /** Certificates of this key, which is nobody's now. */
  ofKey(key: Uint8Array): readonly Certificate[] {
    const name = mapKey(key);
    const all = [...this.#byPrincipal.values()].flat();
    return all.filter((certificate) => mapKey(certificate.key) === name);
  }
}

/**
 * Whether a certificate counted at a time, as its principal's later ones see it: it was valid
 * then, nothing later withdrew the principal, and no later one had put another key in its place.
 * @param later all known certificates of the principal
 */
export function countedAt(
  certificate: Certificate,
  later: readonly Certificate[],
  atUnixMs: number,
): boolean {
  const { generation, key, notBeforeUnixMs, notAfterUnixMs, revoked } = certificate;
  if (revoked || atUnixMs < notBeforeUnixMs || !(atUnixMs < notAfterUnixMs)) return false;
  const name = mapKey(key);
  const ascending = later
    .filter((each) => each.generation > generation)
    .sort((a, b) => a.generation - b.generation);
  const seen = new Set([name]);
  let before = name;
  return ascending.every((each) => {
    const [replaced, next] = [before, mapKey(each.key)];
    before = next;
    if (each.revoked) return false;
    // Also one that is given back.
    if (seen.has(next)) return true;
    seen.add(next);
    // The rotation of a key that followed says nothing of this one.
    if (replaced !== name && each.continuity !== undefined) return true;
    return atUnixMs < endOf(name, each);
  });
}

/** When a key ceased to count for another. */
function endOf(name: string, { continuity, notBeforeUnixMs }: Certificate): number {
  const isContinued = continuity !== undefined && mapKey(continuity.previousKey) === name;
  return isContinued ? continuity.preserveUntilUnixMs : notBeforeUnixMs + ISSUED_AFTER_MS;
}
