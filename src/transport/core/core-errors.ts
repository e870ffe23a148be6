// gRPC statuses as coded errors. The core names its own refusals in metadata;
// what the transport reports is told apart into absent, lost and late.
import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { CellError } from "../../errors/cell-error.ts";
import { type ErrorCode, errorRegistry } from "../../errors/registry.ts";

const CODE_METADATA = "cell0-error-code";
const MAX_MESSAGE_LENGTH = 512;
/** How the core's own codes are called on this side. */
const RENAMED: Readonly<Record<string, ErrorCode>> = { CORE_PROTOCOL_MISMATCH: "CORE_VERSION_MISMATCH" };

export function toCoreError(error: unknown, where: string): CellError {
  if (error instanceof CellError) return error;
  if (!isServiceError(error)) return new CellError("CORE_UNAVAILABLE", undefined, { where, cause: error });
  const named = namedCode(error.metadata);
  if (named !== undefined) return new CellError(named, message(error), { where, cause: error });
  return new CellError(codeOf(error), undefined, { where, cause: error, details: { grpc: error.details } });
}

function codeOf(error: ServiceError): ErrorCode {
  switch (error.code) {
    case status.DEADLINE_EXCEEDED:
      return "CORE_TIMEOUT";
    case status.UNAVAILABLE:
      return unavailable(error.details);
    case status.CANCELLED:
    case status.ABORTED:
      return "CORE_UNAVAILABLE";
    case status.FAILED_PRECONDITION:
      return "CORE_VERSION_MISMATCH";
    case status.INVALID_ARGUMENT:
    case status.RESOURCE_EXHAUSTED:
    case status.OUT_OF_RANGE:
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
      return "CORE_REFUSED";
    default:
      return "CORE_PROTOCOL_ERROR";
  }
}

function unavailable(details: string): ErrorCode {
  // Nothing listens there: no socket file, or one that a dead core has left.
  if (/ENOENT|ECONNREFUSED/.test(details)) return "CORE_MISSING";
  return /\bSSL\b|\bTLS\b|certificate|altnames/i.test(details) ? "CORE_TLS_REFUSED" : "CORE_UNAVAILABLE";
}

function namedCode(metadata: Metadata | undefined): ErrorCode | undefined {
  const [value] = metadata?.get(CODE_METADATA) ?? [];
  const code = typeof value === "string" ? value : "";
  const renamed = RENAMED[code];
  if (renamed !== undefined) return renamed;
  return isErrorCode(code) ? code : undefined;
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorRegistry, code);

/** The core begins its message with the code. */
const message = ({ details }: ServiceError): string =>
  details.replace(/^CORE_[A-Z_]+: /, "").slice(0, MAX_MESSAGE_LENGTH);

export const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
