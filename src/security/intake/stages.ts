// The cheap stages of intake: each a pure function of its arguments that yields
// the error it refuses with, or nothing. None of them touches a signature.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { type IntentAddress, isInboxOf, parseIntentAddress } from "../address.ts";
import type { Certificate } from "../trust/certificate.ts";
import type { Capsule } from "../wire/capsule.ts";

export type FreshnessLimits = {
  /** A capsule is accepted this long after its issue. */
  readonly windowMs: number;
  /** How far the sender's clock may differ from this one. */
  readonly skewMs: number;
  readonly maxDeadlineAheadMs: number;
  /** Capsules issued before this are refused: whether they were seen is not known. */
  readonly issuedAfterUnixMs: number;
};

export function checkSize(data: Uint8Array, maxBytes: number): CellError | undefined {
  if (data.length <= maxBytes) return undefined;
  return new CellError(
    "CAPSULE_TOO_LARGE",
    `the message has ${data.length} bytes, at most ${maxBytes} are read`,
  );
}

export function readAddress(subject: string, cell: string): Result<IntentAddress, CellError> {
  const address = parseIntentAddress(subject);
  if (address === undefined) return err(new CellError("CAPSULE_SUBJECT_INVALID"));
  if (address.cell === cell) return ok(address);
  return err(new CellError("CAPSULE_SUBJECT_INVALID", "the subject names another cell"));
}

/** The certificate must be of a kind that sends, and of the principal that the broker saw publish. */
export function checkIssuer(certificate: Certificate, address: IntentAddress): CellError | undefined {
  if (certificate.principal !== address.principal) return new CellError("AUTHORITY_PRINCIPAL_MISMATCH");
  if (certificate.kind !== "issuer") return undefined;
  return new CellError("AUTHORITY_KIND_FORBIDDEN", "an issuer's key sends no capsules");
}

/** @param home node that the target is placed on; undefined: none */
export function checkTarget(
  capsule: Capsule,
  address: IntentAddress,
  home: string | undefined,
): CellError | undefined {
  if (capsule.reply !== undefined) return new CellError("CAPSULE_NOT_AN_INTENT");
  if (capsule.target !== address.target) return new CellError("CAPSULE_TARGET_MISMATCH");
  if (home !== undefined) return undefined;
  return new CellError("ACTOR_NOT_FOUND", "no actor has this path", { where: address.target });
}

export function checkInbox(capsule: Capsule, { cell, principal }: IntentAddress): CellError | undefined {
  if (capsule.replyInbox === "" || isInboxOf(cell, principal, capsule.replyInbox)) return undefined;
  return new CellError("CAPSULE_INBOX_FOREIGN");
}

export function checkFreshness(
  { issuedAt, deadlineUnixMs }: Capsule,
  nowUnixMs: number,
  limits: FreshnessLimits,
): CellError | undefined {
  const ageMs = nowUnixMs - issuedAt.unixMs;
  if (nowUnixMs >= deadlineUnixMs) {
    const lateMs = Math.round(nowUnixMs - deadlineUnixMs);
    return new CellError("CAPSULE_DEADLINE_PASSED", `the deadline passed ${lateMs} ms ago`);
  }
  if (deadlineUnixMs - nowUnixMs > limits.maxDeadlineAheadMs) {
    return new CellError(
      "CAPSULE_DEADLINE_TOO_FAR",
      `the deadline is more than ${limits.maxDeadlineAheadMs} ms ahead`,
    );
  }
  if (ageMs > limits.windowMs + limits.skewMs) {
    return new CellError("CAPSULE_STALE", `the capsule was issued ${Math.round(ageMs)} ms ago`);
  }
  if (-ageMs > limits.skewMs) {
    return new CellError(
      "CAPSULE_FROM_FUTURE",
      `the capsule was issued ${Math.round(-ageMs)} ms ahead of this clock`,
    );
  }
  if (issuedAt.unixMs < limits.issuedAfterUnixMs) return new CellError("CAPSULE_ISSUED_BEFORE_START");
  return undefined;
}

/** @param floorUnixMs up to when an earlier process may have accepted capsules of this issuer */
export function checkFloor({ issuedAt }: Capsule, floorUnixMs = 0): CellError | undefined {
  return issuedAt.unixMs > floorUnixMs ? undefined : new CellError("CAPSULE_ISSUED_BEFORE_START");
}

/** When checkFreshness begins to refuse a capsule that it accepts now. */
export const freshUntil = ({ issuedAt, deadlineUnixMs }: Capsule, limits: FreshnessLimits): number =>
  Math.min(deadlineUnixMs, issuedAt.unixMs + limits.windowMs + limits.skewMs);
