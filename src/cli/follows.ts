// Which key another one follows, for people and for `--json`.
import { fingerprintOf } from "../security/keys/fingerprint.ts";
import type { Continuity } from "../security/trust/continuity.ts";
import { formatTime } from "./duration.ts";

export type Follows = { readonly keyFingerprint: string; readonly preserveUntilUnixMs: number };

export const followsOf = (continuity: Continuity | undefined): Follows | undefined =>
  continuity && {
    keyFingerprint: fingerprintOf(continuity.previousKey),
    preserveUntilUnixMs: continuity.preserveUntilUnixMs,
  };

/** `key 1f0a..., which counts until ... UTC`. */
export function describeFollows({ keyFingerprint, preserveUntilUnixMs }: Follows): string {
  const tense = preserveUntilUnixMs > Date.now() ? "counts" : "counted";
  return `key ${keyFingerprint}, which ${tense} until ${formatTime(preserveUntilUnixMs)} UTC`;
}
