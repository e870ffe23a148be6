// What nats.js throws and reports, as coded errors.
import { errors } from "@nats-io/nats-core";
import { CellError } from "../errors/cell-error.ts";

/** Innermost errors first: nats.js wraps some causes once. */
function unwrap(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  let current: unknown = error;
  while (current !== undefined && chain.length < 8) {
    chain.unshift(current);
    current = current instanceof Error ? current.cause : undefined;
  }
  return chain;
}

export function toBrokerError(error: unknown, where: string): CellError {
  for (const cause of unwrap(error)) {
    if (cause instanceof CellError) return cause;
    const found = codeOf(cause);
    if (found !== undefined) return new CellError(found.code, found.what, { where, cause: error });
  }
  return new CellError("BROKER_UNREACHABLE", undefined, { where, cause: error });
}

type Found = {
  readonly code:
    | "BROKER_REFUSED_CREDENTIALS"
    | "BROKER_PERMISSION_DENIED"
    | "BROKER_NO_RESPONDERS"
    | "BROKER_TIMEOUT"
    | "BROKER_CLOSED"
    | "BROKER_MESSAGE_TOO_LARGE"
    | "BROKER_SUBJECT_INVALID"
    | "BROKER_OVERLOADED"
    | "BROKER_LIMIT_REACHED";
  readonly what?: string;
};

function codeOf(error: unknown): Found | undefined {
  if (error instanceof errors.AuthorizationError) return { code: "BROKER_REFUSED_CREDENTIALS" };
  if (error instanceof errors.UserAuthenticationExpiredError) {
    return { code: "BROKER_REFUSED_CREDENTIALS", what: "the credentials have expired" };
  }
  if (error instanceof errors.PermissionViolationError) {
    const verb = error.operation === "publish" ? "publish to" : "listen to";
    return { code: "BROKER_PERMISSION_DENIED", what: `these credentials may not ${verb} ${error.subject}` };
  }
  if (error instanceof errors.NoRespondersError) return { code: "BROKER_NO_RESPONDERS" };
  if (error instanceof errors.TimeoutError) return { code: "BROKER_TIMEOUT" };
  if (error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError) {
    return { code: "BROKER_CLOSED" };
  }
  if (error instanceof errors.InvalidArgumentError && error.message.includes("max_payload")) {
    return { code: "BROKER_MESSAGE_TOO_LARGE" };
  }
  if (error instanceof errors.InvalidSubjectError) return { code: "BROKER_SUBJECT_INVALID" };
  return error instanceof errors.ProtocolError ? protocolError(error.message) : undefined;
}

/** What the broker says before it ends a connection. */
function protocolError(message: string): Found | undefined {
  if (/slow consumer/i.test(message)) {
    return { code: "BROKER_OVERLOADED", what: "the broker ended the connection: it was read too slowly" };
  }
  if (/maximum payload/i.test(message)) return { code: "BROKER_MESSAGE_TOO_LARGE" };
  if (/maximum .*(connections|subscriptions)/i.test(message)) return { code: "BROKER_LIMIT_REACHED" };
  return undefined;
}
