// A span around each intent, from its mailbox to its last answer; what the actor
// sends meanwhile carries its context on.
import type { Delivery } from "../actors/intent.ts";
import type { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import type { Tracing } from "../telemetry/tracing.ts";

type Deliver = (delivery: Delivery) => Result<{ readonly mailboxDepth: number }, CellError>;

export function traced(tracing: Pick<Tracing, "span">, deliver: Deliver): Deliver {
  return ({ intent, respond, ...rest }) => {
    const span = tracing.span({
      operation: "process",
      target: intent.target,
      intent,
      parent: intent.traceparent === "" ? undefined : intent.traceparent,
      bodyBytes: intent.payload.length,
    });
    const delivered = deliver({
      ...rest,
      intent: { ...intent, traceparent: span.traceparent },
      respond: (reply) => {
        if (reply.kind === "error") span.fail(reply.error);
        if (reply.kind === "error" || reply.final) span.end();
        respond(reply);
      },
    });
    if (!delivered.ok) {
      span.fail(delivered.error);
      span.end();
    }
    return delivered;
  };
}
