// How a process ended, in words and as a failure class.
import type { FailureClass } from "../../actors/child.ts";
import type { ProcessExit } from "./process-spec.ts";

/** What Node exits with, or is ended by, when its heap is full. */
const ABORTED = 134;

export const describeExit = ({ code, signal, reason }: ProcessExit): string =>
  reason ?? signal ?? `exit code ${code}`;

export function failureOfExit({ code, signal, reason, stuck }: ProcessExit): FailureClass {
  if (stuck !== undefined || /^(stopped|silent)/.test(reason ?? "")) return "hang";
  if (signal === "SIGABRT" || code === ABORTED) return "exhaustion";
  return signal === null ? "crash" : "loss";
}
