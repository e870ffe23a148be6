import { errors } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { toBrokerError } from "../../src/transport/nats-errors.ts";

describe("what nats.js throws", () => {
  it.each([
    [new errors.AuthorizationError("no"), "BROKER_REFUSED_CREDENTIALS"],
    [new errors.UserAuthenticationExpiredError("no"), "BROKER_REFUSED_CREDENTIALS"],
    [new errors.PermissionViolationError("no", "publish", "x"), "BROKER_PERMISSION_DENIED"],
    [new errors.RequestError("no", { cause: new errors.NoRespondersError("x") }), "BROKER_NO_RESPONDERS"],
    [new errors.TimeoutError(), "BROKER_TIMEOUT"],
    [new errors.ClosedConnectionError(), "BROKER_CLOSED"],
    [new errors.DrainingConnectionError(), "BROKER_CLOSED"],
    [new errors.InvalidSubjectError("x"), "BROKER_SUBJECT_INVALID"],
    [new errors.ProtocolError("Slow Consumer Detected"), "BROKER_OVERLOADED"],
    [new errors.ProtocolError("Maximum Payload Violation"), "BROKER_MESSAGE_TOO_LARGE"],
    [new errors.ProtocolError("maximum account active connections exceeded"), "BROKER_LIMIT_REACHED"],
    [new errors.ProtocolError("something new"), "BROKER_UNREACHABLE"],
    [new CellError("CELL_STOPPING"), "CELL_STOPPING"],
    ["not even an error", "BROKER_UNREACHABLE"],
    [undefined, "BROKER_UNREACHABLE"],
  ])("%o becomes %s", (error, code) => {
    expect(toBrokerError(error, "here").code).toBe(code);
  });
});
