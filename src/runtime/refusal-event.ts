// A refusal as it is recorded: who was refused what, where and why.
import type { IntentRef } from "../actors/intent.ts";
import { CellError } from "../errors/cell-error.ts";
import { parseIntentAddress } from "../security/address.ts";
import { readCapabilityText } from "../security/capability/capability-text.ts";
import { nameOfToken } from "../security/capability/token-name.ts";
import type { Refused } from "../security/intake/verdict.ts";
import type { EventInput } from "../telemetry/event.ts";
import { principalIntents, senderOf } from "../transport/subjects.ts";

export type Told = Pick<
  Refused,
  "stage" | "error" | "principal" | "source" | "target" | "epoch" | "token"
> & {
  readonly request?: Pick<Refused["request"], "intent">;
};

export function refusalEvent(refused: Told): EventInput {
  const { stage, error, principal, source, target, request, epoch, token } = refused;
  const { code, message, remedy, retryable } = error;
  return {
    actor: target === "" ? undefined : target,
    kind: {
      case: "intentRefused",
      value: {
        ...{ stage, error: { code, message, remedy, retryable }, principal, target, count: 1 },
        ...{ intent: request?.intent ?? "", epoch, token, source },
      },
    },
  };
}

/** Of an intent that an actor of this node sent, and nobody has begun. */
export function sendRefused(refused: {
  readonly node: string;
  readonly source: string;
  readonly target: string;
  readonly intent: string;
  readonly capability?: string;
  readonly cause: IntentRef | undefined;
  readonly error: CellError;
}): EventInput {
  const { node, source, target, intent, capability, cause, error } = refused;
  const { code, message, remedy, retryable } = error;
  const chain = capability === undefined ? undefined : readCapabilityText(capability);
  const told = { code, message, remedy, retryable };
  return {
    actor: target,
    intent: cause,
    kind: {
      case: "intentRefused",
      value: {
        ...{ stage: "authority", error: told, principal: node, target, count: 1, intent, source },
        token: chain?.ok === true ? nameOfToken(chain.value) : undefined,
      },
    },
  };
}

/** Of all that a sender sends. */
export function senderTurnedAway(
  cell: string,
  principal: string,
  code: "BROKER_FLOODED" | "BROKER_KEPT_OUT" | "BROKER_LIMIT_REACHED",
  what?: string,
): Told {
  const subject = principalIntents(cell, principal);
  return turnedAway(subject, new CellError(code, what, { where: subject }));
}

/** Of a message that found no room: nothing but its subject was read. */
export function turnedAway(subject: string, error: CellError): Told {
  const { principal = senderOf(subject), target = "" } = parseIntentAddress(subject) ?? {};
  return { stage: "room", error, principal, target };
}
