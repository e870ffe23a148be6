// A refusal as it is recorded: who was refused what, where and why.
import type { CellError } from "../errors/cell-error.ts";
import { parseIntentAddress } from "../security/address.ts";
import type { Refused } from "../security/intake/verdict.ts";
import type { EventInput } from "../telemetry/event.ts";
import { senderOf } from "../transport/subjects.ts";

type Told = Pick<Refused, "stage" | "error" | "principal" | "target" | "epoch" | "token"> & {
  readonly request?: Pick<Refused["request"], "intent">;
};

export function refusalEvent(refused: Told): EventInput {
  const { stage, error, principal, target, request, epoch, token } = refused;
  const { code, message, remedy, retryable } = error;
  return {
    actor: target === "" ? undefined : target,
    kind: {
      case: "intentRefused",
      value: {
        ...{ stage, error: { code, message, remedy, retryable }, principal, target, count: 1 },
        ...{ intent: request?.intent ?? "", epoch, token },
      },
    },
  };
}

/** Of a message that found no room: nothing but its subject was read. */
export function turnedAway(subject: string, error: CellError): Told {
  const { principal = senderOf(subject), target = "" } = parseIntentAddress(subject) ?? {};
  return { stage: "room", error, principal, target };
}
