// The one error type. Its `cause` and `details` are for logs on this side; only
// code, message, remedy and retry advice ever cross a process boundary.
import type { ErrorDefinition, RetryAdvice } from "./error-definition.ts";
import { type ErrorCode, errorRegistry } from "./registry.ts";

export type CellErrorOptions = {
  /** Where: a file position, a path in the tree, a subject. */
  readonly where?: string;
  /** What to do, when it is more precise than the registry's remedy. */
  readonly remedy?: string;
  /** Earliest time for another try, in milliseconds. */
  readonly retryAfterMs?: number;
  /** What the other side advises, when it differs from the registry. */
  readonly retry?: RetryAdvice;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
};

export class CellError extends Error {
  override readonly name = "CellError";
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly remedy: string;
  readonly retry: RetryAdvice;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  /** @param what what went wrong, one sentence without a full stop; the registry's title by default */
  constructor(code: ErrorCode, what?: string, options: CellErrorOptions = {}) {
    const definition: ErrorDefinition = errorRegistry[code];
    super(what ?? definition.title, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.where = options.where;
    this.remedy = options.remedy ?? definition.remedy;
    this.retry = options.retry ?? definition.retry;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? {};
  }

  /** Whether the same may succeed later. */
  get retryable(): boolean {
    return this.retry !== "never";
  }
}
