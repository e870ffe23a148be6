// What an actor's host puts into the event log. Starts, stops and crashes are its
// supervisor's to record, acceptance and sends the composition root's.
import type { CellError } from "../errors/cell-error.ts";
import type { EventKindInput } from "../telemetry/event.ts";
import type { Accepted } from "./open-requests.ts";

export function startedRecord(accepted: Accepted): EventKindInput {
  return {
    case: "intentStarted",
    value: { queuedUs: Math.round((accepted.startedAtMs - accepted.queuedAtMs) * 1000) },
  };
}

export function finishedRecord(elapsedMs: number, error: CellError | undefined): EventKindInput {
  const elapsedUs = Math.round(elapsedMs * 1000);
  return {
    case: "intentFinished",
    value: error === undefined ? { elapsedUs } : { elapsedUs, error: plain(error) },
  };
}

/** An intent that was accepted but never begun. */
export function refusedRecord({ delivery }: Accepted, error: CellError): EventKindInput {
  const { principal, target } = delivery.intent;
  return {
    case: "intentRefused",
    value: { stage: "mailbox", error: plain(error), principal, target, count: 1 },
  };
}

export function repliedRecord(accepted: Accepted, final: boolean): EventKindInput {
  return { case: "replied", value: { index: accepted.replies - 1, final } };
}

export function transitionedRecord(event: string, from: string, to: string): EventKindInput {
  return { case: "transitioned", value: { event, from, to } };
}

export function loggedRecord(level: string, message: string): EventKindInput {
  return { case: "actorLogged", value: { level, message } };
}

function plain({ code, message, remedy, retryable, retryAfterMs }: CellError) {
  return { code, message, remedy, retryable, retryAfterMs: retryAfterMs ?? 0 };
}
