// Turns whatever was thrown at a start into a bounded, plain failure.
import { classOfThrown } from "../actors/actor-failure.ts";
import type { Failure } from "../actors/child.ts";
import { CellError } from "../errors/cell-error.ts";
import { boundText } from "../telemetry/event.ts";

const MAX_NAME_BYTES = 256;
const MAX_MESSAGE_BYTES = 4_096;
const MAX_STACK_BYTES = 16_384;

/** A start that failed for a reason told in full; `startChild` may reject with it. */
export class ChildStartError extends Error {
  override readonly name = "ChildStartError";
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(`${failure.rootActor} failed to start: ${failure.name}: ${failure.message}`);
    this.failure = failure;
  }
}

export function startFailure(path: string, thrown: unknown): Failure {
  return failureIn(thrown) ?? failureOf(path, thrown, "start");
}

/** A failure of the tree's own code. */
export function kernelFailure(path: string, thrown: unknown): Failure {
  return failureOf(path, thrown, "kernel");
}

function failureOf(path: string, thrown: unknown, origin: Failure["origin"]): Failure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return {
    class: classOfThrown(error.name, error.message),
    name: boundText(error instanceof CellError ? error.code : error.name, MAX_NAME_BYTES),
    message: boundText(error.message, MAX_MESSAGE_BYTES),
    ...(error.stack === undefined ? {} : { stack: boundText(error.stack, MAX_STACK_BYTES) }),
    origin,
    rootActor: path,
  };
}

/** The failure that an error carries, if it does. */
export function failureIn(thrown: unknown): Failure | undefined {
  if (thrown instanceof ChildStartError) return thrown.failure;
  if (!(thrown instanceof CellError)) return undefined;
  const { failure } = thrown.details;
  return isFailure(failure) ? failure : undefined;
}

function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "class" in value && "rootActor" in value;
}
