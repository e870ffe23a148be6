// How an error reads: `CODE: what; where; what to do`, or one JSON object.
import { CellError } from "../errors/cell-error.ts";
import type { RetryAdvice } from "../errors/error-definition.ts";

export type ErrorJson = {
  readonly code: string;
  readonly message: string;
  readonly where?: string;
  readonly remedy: string;
  readonly retryable: boolean;
  readonly retry: RetryAdvice;
  readonly retryAfterMs?: number;
};

type Described = {
  readonly code: string;
  readonly message: string;
  readonly where?: string | undefined;
  readonly remedy: string;
};

/** One line without an end of line. */
export function formatError(error: Described): string {
  const parts = [error.message, error.where, error.remedy].filter(
    (part) => part !== undefined && part !== "",
  );
  return `${error.code}: ${parts.join("; ")}`;
}

export function errorToJson(error: CellError): ErrorJson {
  return {
    code: error.code,
    message: error.message,
    ...(error.where === undefined ? {} : { where: error.where }),
    remedy: error.remedy,
    retryable: error.retryable,
    retry: error.retry,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EISDIR: "this is a directory",
  ENOTDIR: "a part of the path is not a directory",
  ENOSPC: "no space is left on the device",
  EROFS: "the file system is read-only",
};

/** Whatever was thrown, as a coded error; what is not foreseen becomes CLI_INTERNAL. */
export function toCellError(thrown: unknown): CellError {
  if (thrown instanceof CellError) return thrown;
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") {
    const what = FILE_ERRORS[thrown.code];
    if (what !== undefined) {
      const where = "path" in thrown && typeof thrown.path === "string" ? { where: thrown.path } : {};
      return new CellError("CLI_FILE_UNREADABLE", what, { ...where, cause: thrown });
    }
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CellError("CLI_INTERNAL", message, { cause: thrown });
}
