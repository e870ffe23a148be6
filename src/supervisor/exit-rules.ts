// Which ends of a child bring it back, and how an end is told further up: Erlang's rules
// for restart types and exit reasons. Pure.
import type { ExitReason, Failure } from "../actors/child.ts";
import type { RestartType } from "../manifest/graph.ts";

/** `normal` and `shutdown` are no failures; being killed by another is one. */
export function isAbnormal(reason: ExitReason): boolean {
  return reason.kind === "failed" || reason.kind === "killed";
}

export function restartsAfter(restart: RestartType, reason: ExitReason): boolean {
  switch (restart) {
    case "permanent":
      return true;
    case "transient":
      return isAbnormal(reason);
    case "temporary":
      return false;
  }
}

/** One line for people: `crash: TypeError: x is not a function`. */
export function describeExit(reason: ExitReason): string {
  if (reason.kind !== "failed") return reason.kind;
  const { failure } = reason;
  return `${failure.class}: ${failure.name}: ${failure.message}`;
}

/** The failure that a supervisor ends with when a child's end was one too many; the root cause stays named. */
export function escalatedFailure(path: string, reason: ExitReason): Failure {
  if (reason.kind === "failed") return reason.failure;
  return {
    class: reason.kind === "killed" ? "loss" : "crash",
    name: reason.kind === "killed" ? "Killed" : "EndedTooOften",
    message: `${path} ended (${reason.kind}) more often than its supervisor may restart`,
    origin: "kernel",
    rootActor: path,
  };
}
