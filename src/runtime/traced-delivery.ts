// A span around each intent, from its mailbox to its last answer; what the actor
// sends meanwhile carries its context on.
import type { Delivery } from "../actors/intent.ts";
import type { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import type { IntentSpan, Tracing } from "../telemetry/tracing.ts";

type Prepare = NonNullable<Delivery["prepare"]>;
type Deliver = (delivery: Delivery) => Result<{ readonly mailboxDepth: number }, CellError>;

export function traced(tracing: Pick<Tracing, "span">, deliver: Deliver): Deliver {
  return ({ intent, respond, prepare, ...rest }) => {
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
      ...(prepare === undefined ? {} : { prepare: preparing(prepare, span) }),
    });
    if (!delivered.ok) {
      span.fail(delivered.error);
      span.end();
    }
    return delivered;
  };
}

/** Only a final value is made ready. */
function preparing(prepare: Prepare, span: IntentSpan): Prepare {
  return (reply) => {
    const give = prepare(reply);
    if (give === undefined) return undefined;
    return () => {
      span.end();
      give();
    };
  };
}
