// What was thrown, made plain and bounded: any value can be thrown, and some
// throw again when they are looked at.
import { CellError } from "../errors/cell-error.ts";
import type { Failure } from "./child.ts";
import type { IntentRef } from "./intent.ts";

const MAX_NAME_CHARS = 200;
const MAX_MESSAGE_CHARS = 4_096;
const MAX_STACK_CHARS = 16_384;

export type FailureSite = {
  readonly path: string;
  readonly origin: Failure["origin"];
  readonly event: string | undefined;
  readonly intent: IntentRef | undefined;
  readonly held?: string | undefined;
};

export function actorFailure(error: unknown, site: FailureSite): Failure {
  const { name, message, stack } = describe(error);
  return {
    class: classOfThrown(name, message),
    name: name.slice(0, MAX_NAME_CHARS),
    message: message.slice(0, MAX_MESSAGE_CHARS),
    ...(stack === undefined ? {} : { stack: stack.slice(0, MAX_STACK_CHARS) }),
    origin: site.origin,
    ...(site.event === undefined ? {} : { event: site.event.slice(0, MAX_NAME_CHARS) }),
    ...(site.intent === undefined ? {} : { intent: intentRef(site.intent) }),
    ...(site.held === undefined ? {} : { heldEvent: site.held }),
    rootActor: site.path,
  };
}

/** What Node throws when the system gives a buffer no memory. */
const NO_MEMORY = /^RangeError: (?:Array buffer allocation failed|Failed to allocate memory)/;

/** Of what was thrown, by its name and message. */
export const classOfThrown = (name: string, message: string): "crash" | "exhaustion" =>
  NO_MEMORY.test(`${name}: ${message}`) ? "exhaustion" : "crash";

function describe(error: unknown): { name: string; message: string; stack?: string } {
  try {
    if (error instanceof CellError) return withStack(error.code, error.message, error.stack);
    if (error instanceof Error) return withStack(String(error.name), String(error.message), error.stack);
    return { name: "NonError", message: typeof error === "object" ? JSON.stringify(error) : String(error) };
  } catch {
    return { name: "NonError", message: "a value that cannot be shown was thrown" };
  }
}

function withStack(
  name: string,
  message: string,
  stack: unknown,
): { name: string; message: string; stack?: string } {
  return typeof stack === "string" ? { name, message, stack } : { name, message };
}

/** A copy without payload and deadline, so that a failure keeps nothing large alive. */
export function intentRef(intent: IntentRef): IntentRef {
  const { id, rootId, causeId, hash, type, principal, source, epoch } = intent;
  return { id, rootId, causeId, hash, type, principal, source, epoch };
}

/** The failure stays on this side: details never cross a process boundary. */
export function crashedError(where: string, failure: Failure): CellError {
  return new CellError("ACTOR_CRASHED", undefined, { where, details: { failure } });
}
