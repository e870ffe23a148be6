// Keys that count beside the ones that follow them, until their time is over: of each
// principal at most one, the key before the newest.
import { mapKey } from "../bytes.ts";
import type { Certificate } from "./certificate.ts";
import { isFollowedBy } from "./continuity.ts";

export class PreservedKeys {
  /** By the key before: the newest certificate, whose key follows it. */
  readonly #byKey = new Map<string, Certificate>();

  /** @param before certificate of the generation before, when it is known: what contradicts it gives no time */
  keep(newest: Certificate, before: Certificate | undefined): void {
    const { continuity, kind } = newest;
    if (continuity === undefined) return;
    if (before !== undefined && contradicts(before, newest)) return;
    const name = mapKey(continuity.previousKey);
    // Genesis outranks issuers.
    if (this.#byKey.get(name)?.kind === "issuer" && kind !== "issuer") return;
    this.#byKey.set(name, newest);
  }

  /** An older certificate of the principal came later. */
  judge(newest: Certificate, older: Certificate): void {
    if (contradicts(older, newest)) this.forget(newest);
  }

  forget({ continuity, principal }: Certificate): void {
    if (continuity === undefined) return;
    const name = mapKey(continuity.previousKey);
    if (this.#byKey.get(name)?.principal === principal) this.#byKey.delete(name);
  }

  /** The certificate under which a key counts, as that key's own; undefined: not, or no more. */
  of(key: Uint8Array, nowUnixMs: number): Certificate | undefined {
    const newest = this.#byKey.get(mapKey(key));
    const untilUnixMs = newest?.continuity?.preserveUntilUnixMs ?? 0;
    return newest !== undefined && nowUnixMs < untilUnixMs ? { ...newest, key } : undefined;
  }
}

/** They are of generations next to each other, and the newer one says that it follows something else. */
const contradicts = (before: Certificate, newest: Certificate): boolean =>
  before.generation + 1 === newest.generation && !isFollowedBy(before, newest);
