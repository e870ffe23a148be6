// What a supervisor puts into the event log, one function an event.
import type { ExitReason, Failure, Incarnation } from "../actors/child.ts";
import type { CellError } from "../errors/cell-error.ts";
import type { ChildSpec } from "../manifest/graph.ts";
import type { EventInput } from "../telemetry/event.ts";
import { describeExit } from "./exit-rules.ts";
import { classOf } from "./restart-rules.ts";
import type { Recovery } from "./supervisor-state.ts";

type Subject = { readonly path: string; readonly incarnation?: Incarnation | undefined };

export function startedRecord(spec: ChildSpec, incarnation: Incarnation): EventInput {
  const behaviour = spec.kind === "supervisor" ? "supervisor" : spec.behaviour.export;
  return { actor: spec.path, incarnation, kind: { case: "actorStarted", value: { behaviour } } };
}

/** A failed end is a crash, with the intent that was in hand; every other one a stop. */
export function endedRecord(child: Subject, reason: ExitReason): EventInput {
  if (reason.kind === "failed") return crashedRecord(child, reason.failure);
  const { path: actor, incarnation } = child;
  return { actor, incarnation, kind: { case: "actorStopped", value: { reason: reason.kind } } };
}

export function crashedRecord(child: Subject, failure: Failure): EventInput {
  return {
    actor: child.path,
    incarnation: child.incarnation,
    intent: failure.intent,
    kind: {
      case: "actorCrashed",
      value: {
        failure: failure.class,
        name: failure.name,
        message: failure.message,
        stack: failure.stack,
        event: failure.event,
        origin: failure.origin,
      },
    },
  };
}

/** Its snapshot could not be restored: it starts fresh, and what it knew is lost. */
export function restoreFailedRecord(child: Subject, failure: Failure): EventInput {
  const message = `started fresh: its last good snapshot could not be restored (${failure.name}: ${failure.message})`;
  return crashedRecord(child, {
    ...failure,
    class: "corruption",
    name: "RestoreFailed",
    message,
    origin: "start",
  });
}

/** Its state is too large, or no JSON: what it knew is lost with a restart. */
export function notKeptRecord({ path, incarnation }: Subject, { code, message }: CellError): EventInput {
  const text = `${code}: a restart will be from the beginning: ${message}`;
  return { actor: path, incarnation, kind: { case: "actorLogged", value: { level: "warn", message: text } } };
}

export function restartedRecord(
  child: Subject,
  recovery: Recovery,
  restarts: number,
  nowMs: number,
): EventInput {
  return {
    actor: child.path,
    incarnation: child.incarnation,
    kind: {
      case: "actorRestarted",
      value: {
        cause: causeOf(recovery),
        restarts,
        elapsedUs: (nowMs - recovery.sinceMs) * 1000,
        backoffMs: recovery.backoffMs,
        failure: classOf(recovery.reason) ?? "unspecified",
      },
    },
  };
}

/** In a group restart: whose failure it was. */
function causeOf({ reason, cause }: Recovery): string {
  return cause === undefined ? describeExit(reason) : `with ${cause}: ${describeExit(reason)}`;
}

export function parkedRecord(
  actor: string,
  failure: Failure,
  bound: { readonly restarts: number; readonly periodMs: number },
): EventInput {
  const value = {
    reason: describeExit({ kind: "failed", failure }),
    failure: failure.class,
    restartsInPeriod: bound.restarts,
    periodMs: bound.periodMs,
  };
  return { actor, intent: failure.intent, kind: { case: "actorParked", value } };
}

export function gaveUpRecord(
  actor: string,
  reason: ExitReason,
  window: { readonly restarts: number; readonly periodMs: number },
): EventInput {
  const value = {
    reason: describeExit(reason),
    restartsInPeriod: window.restarts,
    periodMs: window.periodMs,
  };
  return { actor, kind: { case: "actorGaveUp", value } };
}

export function escalatedRecord(from: string, to: string, failure: Failure): EventInput {
  const reason = describeExit({ kind: "failed", failure });
  return {
    actor: to,
    intent: failure.intent,
    kind: { case: "escalated", value: { from, to, rootActor: failure.rootActor, reason } },
  };
}
