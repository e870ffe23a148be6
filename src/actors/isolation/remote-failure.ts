// Why an actor in a worker or process ended, as its supervisor hears it: by its own
// word where it had one, by how its host ended where it had not. Its word is taken
// for what was thrown, never for who it is or what it was given.
import { CellError } from "../../errors/cell-error.ts";
import type { ActorFault } from "../../gen/cell0/v1/channel_pb.ts";
import { classOfThrown } from "../actor-failure.ts";
import type { ExitReason, Failure, FailureClass } from "../child.ts";
import type { LinkEnd } from "./link.ts";

const MAX_NAME_CHARS = 200;
const MAX_MESSAGE_CHARS = 4_096;
const MAX_STACK_CHARS = 16_384;
const ORIGINS = ["start", "transition", "invoke", "async"] as const;
/** What an actor's own host can tell of itself. */
const TOLD = ["crash", "hang", "corruption"] as const;

/** A frame that does not fit. */
export const violation = (what: string): CellError => new CellError("ACTOR_CHANNEL_VIOLATED", what);

/** By its own word. @param original turns what it says of files into what they are here */
export function toldFailure(fault: ActorFault, path: string, original: (text: string) => string): Failure {
  const { name, message, stack, event } = fault;
  const told = TOLD.find((known) => known === fault.class) ?? "crash";
  return {
    class: told === "crash" ? classOfThrown(name, message) : told,
    name: name.slice(0, MAX_NAME_CHARS) || "Error",
    message: original(message.slice(0, MAX_MESSAGE_CHARS)),
    ...(stack === "" ? {} : { stack: original(stack.slice(0, MAX_STACK_CHARS)) }),
    origin: ORIGINS.find((known) => known === fault.origin) ?? "async",
    ...(event === "" ? {} : { event: event.slice(0, MAX_NAME_CHARS) }),
    rootActor: path,
  };
}

export function foundFailure(error: CellError, failureClass: FailureClass, path: string): Failure {
  return {
    class: failureClass,
    name: error.code,
    message: error.message.slice(0, MAX_MESSAGE_CHARS),
    origin: "async",
    rootActor: path,
  };
}

/** Which class an end without a word belongs to. */
export function classOfEnd({ kind }: LinkEnd): FailureClass {
  switch (kind) {
    case "memory":
      return "exhaustion";
    case "signal":
      return "loss";
    case "exit":
    case "error":
      return "crash";
  }
}

/** What kept it from coming up. */
export function notUp(where: string, reason: ExitReason): CellError {
  if (reason.kind !== "failed")
    return new CellError("ACTOR_START_FAILED", "it ended before it ran", { where });
  const { failure } = reason;
  const what = `${where} did not start: ${failure.name}: ${failure.message}`;
  return new CellError("ACTOR_START_FAILED", what, { where, details: { failure } });
}

export function errorOfEnd({ kind, what }: LinkEnd): CellError {
  return new CellError(kind === "memory" ? "ACTOR_MEMORY_EXHAUSTED" : "ACTOR_HOST_LOST", what);
}
