// That a key follows another, which agrees to it: the key before signs the certificate of
// the next one, and counts beside it for a stated time. Nothing here keeps state; what a
// cell makes of it is the trust store's judgement.
import { err, ok, type Result } from "../../errors/result.ts";
import type { Continuity as ContinuityMessage } from "../../gen/cell0/v1/trust_pb.ts";
import { copyOf, equalBytes, sha256 } from "../bytes.ts";
import { admitKey } from "../keys/admit-key.ts";
import { HASH_BYTES } from "../wire/signing-input.ts";
import type { Certificate } from "./certificate.ts";
import { ISSUED_AFTER_MS } from "./retired-keys.ts";

export const MAX_PRESERVE_MS = 24 * 60 * 60 * 1000;

export type Continuity = {
  /** SHA-256 of the body of the certificate of the generation before. */
  readonly previous: Uint8Array;
  /** Its key. */
  readonly previousKey: Uint8Array;
  readonly issuedUnixMs: number;
  /** Until this millisecond the key before counts too. */
  readonly preserveUntilUnixMs: number;
};

/**
 * From when a certificate counts. One whose key follows another does not before it was issued, by clocks that
 * differ a minute: nobody lengthens the time of two keys by dating it ahead.
 */
export const beginsUnixMs = ({ continuity, notBeforeUnixMs }: Certificate): number =>
  Math.max(notBeforeUnixMs, (continuity?.issuedUnixMs ?? 0) - ISSUED_AFTER_MS);

/** A text: what is wrong with its form. */
export function readContinuity(message: ContinuityMessage, key: Uint8Array): Result<Continuity, string> {
  const { previous, issuedUnixMs: issued, preserveUntilUnixMs: until } = message;
  if (previous.length !== HASH_BYTES) return err("the hash of the certificate before has the wrong length");
  const previousKey = admitKey(message.previousKey);
  if (!previousKey.ok) return err(previousKey.error.message);
  if (equalBytes(previousKey.value, key)) return err("its key follows itself");
  const [issuedUnixMs, preserveUntilUnixMs] = [Number(issued), Number(until)];
  if (!Number.isSafeInteger(preserveUntilUnixMs) || issuedUnixMs > preserveUntilUnixMs)
    return err("the key before ends before the next one was issued");
  if (preserveUntilUnixMs - issuedUnixMs > MAX_PRESERVE_MS) return err("the key before counts for too long");
  return ok({
    previous: copyOf(previous),
    previousKey: previousKey.value,
    issuedUnixMs,
    preserveUntilUnixMs,
  });
}

/** Whether a certificate is the one that another says it follows. */
export function isFollowedBy(before: Certificate, { continuity, generation }: Certificate): boolean {
  return (
    continuity !== undefined &&
    before.generation + 1 === generation &&
    !before.revoked &&
    equalBytes(before.key, continuity.previousKey) &&
    equalBytes(sha256(before.body), continuity.previous)
  );
}
