// How a process ended, in words and as a failure class.
import type { FailureClass } from "../../actors/child.ts";
import { OUT_OF_MEMORY } from "./out-of-memory.ts";
import type { ProcessExit } from "./process-spec.ts";

/** By which the system ends a process for what its code did. */
const FAULTS: ReadonlySet<string> = new Set([
  ...["SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS"],
]);

/** What Node exits with, or is ended by, when its heap is full. */
const ABORTED = 134;

export const describeExit = ({ code, signal, reason }: ProcessExit): string =>
  reason ?? signal ?? `exit code ${code}`;

export function failureOfExit({ code, signal, reason, stuck }: ProcessExit): FailureClass {
  if (stuck !== undefined || /^(stopped|silent)/.test(reason ?? "")) return "hang";
  if (signal === "SIGABRT" || code === ABORTED || reason === OUT_OF_MEMORY) return "exhaustion";
  return signal === null || FAULTS.has(signal) ? "crash" : "loss";
}

/**
 * Whether it ended of what its own code did: it stood still, ended itself or was ended for
 * a fault. Not of a signal that anybody sends, and not before it could do anything.
 */
export function endedOfItself({ code, signal, reason, stuck }: ProcessExit): boolean {
  if (stuck !== undefined || reason === OUT_OF_MEMORY) return true;
  if (reason !== undefined) return false;
  return signal === null ? code !== 0 : FAULTS.has(signal);
}
