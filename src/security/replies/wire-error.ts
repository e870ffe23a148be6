// CellError <-> the error of a reply. What leaves is code, message, remedy and
// retry advice, cut to their bounds and cleaned of what only this machine should
// know; cause, details and stack stay here.
import { CellError } from "../../errors/cell-error.ts";
import type { RetryAdvice } from "../../errors/error-definition.ts";
import { type ErrorCode, errorRegistry } from "../../errors/registry.ts";
import { isActorPath } from "../names.ts";
import { MAX_ERROR_TEXT_LENGTH, type WireError } from "../wire/capsule.ts";

const MAX_RETRY_AFTER_MS = 0xffff_ffff;
/** First wait of who is to come later and later, unless the error says another. */
const RETRY_AFTER_MS = 100;
/** Cleaning reads no more than this, so that a huge message costs nothing. */
const MAX_CLEANED_LENGTH = 8 * MAX_ERROR_TEXT_LENGTH;

/** Absolute paths of two tokens or more, POSIX and Windows; nkey seeds; JWTs; PEM blocks; mixed-case base64 of 32 bytes or more (paths and hashes have no capitals). */
const PRIVATE: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN[^-]{0,64}-----[\s\S]*/g, "[removed]"],
  [/\bS[A-Z]{1,2}[A-Z2-7]{55,57}\b/g, "[removed]"],
  [/\beyJ[\w-]{8,}(?:\.[\w-]+)*/g, "[removed]"],
  [/(?<![\w+/-])(?=[\w+/-]*[A-Z])(?=[\w+/-]*[a-z])(?=[\w+/-]*\d)[\w+/-]{43,}={0,2}/g, "[removed]"],
  [/\bfile:\/\/[^\s"'`)]+/g, "[path]"],
  [/(?<![\w.:/-])(?:\/[\w.@+~-]+){2,}\/?/g, "[path]"],
  [/(?<![\w])[A-Za-z]:\\[^\s"'`]*/g, "[path]"],
];

/** `where` travels only when it is the path of an actor. */
export function toWireError(error: CellError): WireError {
  const { code, where, remedy, retry, retryable } = error;
  const { retryAfterMs = retry === "backoff" ? RETRY_AFTER_MS : 0 } = error;
  const message = where !== undefined && isActorPath(where) ? `${where}: ${error.message}` : error.message;
  return {
    code,
    message: clean(message),
    remedy: clean(remedy),
    retryable,
    retryAfterMs: Number.isFinite(retryAfterMs)
      ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.ceil(retryAfterMs)))
      : 0,
  };
}

/** A code that this version does not know becomes CAPSULE_REMOTE_ERROR, with the code in message and details. */
export function fromWireError(error: WireError): CellError {
  const { code, retryable, retryAfterMs } = error;
  const details = { remote: true, remoteCode: code, remoteRetryable: retryable };
  const options = {
    details,
    ...(error.remedy === "" ? {} : { remedy: clean(error.remedy) }),
    retry: adviceOf(error),
    ...(retryAfterMs === 0 ? {} : { retryAfterMs }),
  };
  const message = clean(error.message);
  if (isKnown(code)) return new CellError(code, message === "" ? undefined : message, options);
  return new CellError("CAPSULE_REMOTE_ERROR", clean(`${code}: ${error.message}`), options);
}

/** The other side's advice counts, whatever is known of its code here. */
function adviceOf({ retryable, retryAfterMs }: WireError): RetryAdvice {
  if (!retryable) return "never";
  return retryAfterMs > 0 ? "backoff" : "anew";
}

const isKnown = (code: string): code is ErrorCode => Object.hasOwn(errorRegistry, code);

/** One line of printable text without secrets, well-formed, within the bound. */
function clean(text: string): string {
  let cleaned = text.slice(0, MAX_CLEANED_LENGTH);
  for (const [pattern, stand] of PRIVATE) cleaned = cleaned.replace(pattern, stand);
  cleaned = cleaned.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
  if (cleaned.length > MAX_ERROR_TEXT_LENGTH) cleaned = `${cleaned.slice(0, MAX_ERROR_TEXT_LENGTH - 1)}…`;
  return cleaned.toWellFormed();
}
