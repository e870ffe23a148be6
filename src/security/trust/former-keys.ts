// Keys that the one that counts follows without a break: what they signed in their time and is
// kept, roots of tokens and revisions, counts on. Nothing else does.
import { equalBytes, mapKey } from "../bytes.ts";
import type { Certificate } from "./certificate.ts";
import { isFollowedBy } from "./continuity.ts";

/** A key that was the principal's before the one that counts, and until when it was. */
export type FormerKey = { readonly key: Uint8Array; readonly untilUnixMs: number };

/**
 * The keys that the newest certificate's key follows without a break, the latest first: each agreed to
 * the next, and no withdrawal lies between. A certificate that is not known ends the line there.
 * @param others older certificates of the principal, in any order
 */
export function formerKeys(newest: Certificate, others: readonly Certificate[]): readonly FormerKey[] {
  const byGeneration = new Map(others.map((each) => [each.generation, each]));
  const line: FormerKey[] = [];
  let next = newest;
  // When the key of `next` ceased to be the principal's.
  let endUnixMs = Number.POSITIVE_INFINITY;
  while (!next.revoked) {
    const before = byGeneration.get(next.generation - 1);
    const { continuity } = next;
    if (continuity === undefined) {
      if (before === undefined) break;
      if (!equalBytes(before.key, next.key)) {
        const given = byGeneration.get(before.generation - 1);
        if (given === undefined || !isGivenBack(given, before, next)) break;
        next = given;
        continue;
      }
    } else {
      if (before !== undefined && !isFollowedBy(before, next)) break;
      endUnixMs = Math.min(endUnixMs, continuity.preserveUntilUnixMs);
      line.push({ key: continuity.previousKey, untilUnixMs: endUnixMs });
    }
    if (before === undefined) break;
    next = before;
  }
  return line;
}

/** A rotation that was undone: the key is again the one that agreed to it. */
const isGivenBack = (before: Certificate, undone: Certificate, after: Certificate): boolean =>
  !undone.revoked && isFollowedBy(before, undone) && equalBytes(before.key, after.key);

/** The lines of all principals that have one. */
export class FormerKeys {
  readonly #lines = new Map<string, readonly FormerKey[]>();
  readonly #owners = new Map<string, string>();

  of(principal: string): readonly FormerKey[] {
    return this.#lines.get(principal) ?? NONE;
  }

  /** Whose it was, by name; never of two. */
  ownerOf(key: Uint8Array): string | undefined {
    return this.#owners.get(mapKey(key));
  }

  /** Until when a key was its owner's. */
  endOf(key: Uint8Array): number | undefined {
    const line = this.of(this.ownerOf(key) ?? "");
    return line.find((former) => equalBytes(former.key, key))?.untilUnixMs;
  }

  set(principal: string, line: readonly FormerKey[]): void {
    this.delete(principal);
    if (line.length === 0) return;
    this.#lines.set(principal, line);
    for (const { key } of line) this.#owners.set(mapKey(key), principal);
  }

  delete(principal: string): void {
    for (const { key } of this.of(principal)) {
      if (this.ownerOf(key) === principal) this.#owners.delete(mapKey(key));
    }
    this.#lines.delete(principal);
  }
}

const NONE: readonly FormerKey[] = [];
