// The answers that an actor owes: from the moment an intent is begun until its
// final reply. Each is answered exactly once, at the latest by its deadline.
import { InFlightMap } from "../collections/in-flight.ts";
import { CellError } from "../errors/cell-error.ts";
import type { Delivery } from "./intent.ts";
import type { IntentDefinition } from "./intent-definition.ts";

export const MAX_OPEN_REQUESTS = 4096;

/** An intent in the mailbox or in hand. */
export type Accepted = {
  readonly delivery: Delivery;
  readonly definition: IntentDefinition;
  readonly payload: unknown;
  readonly queuedAtMs: number;
  startedAtMs: number;
  answered: boolean;
  /** Replies sent so far. */
  replies: number;
};

export type Outcome =
  | { readonly value: unknown }
  /** `begun: false`: it was never in hand. */
  | { readonly error: CellError; readonly begun?: false };

/** Answers finally, once; says whether it did. A responder that throws is the caller's loss alone. */
export function answer(accepted: Accepted, outcome: Outcome): boolean {
  if (accepted.answered) return false;
  accepted.answered = true;
  respond(accepted, outcome, true);
  return true;
}

export function answerInPart(accepted: Accepted, value: unknown): void {
  if (!accepted.answered) respond(accepted, { value }, false);
}

function respond(accepted: Accepted, outcome: Outcome, final: boolean): void {
  accepted.replies += 1;
  try {
    accepted.delivery.respond(
      "error" in outcome ? { kind: "error", ...outcome } : { kind: "value", value: outcome.value, final },
    );
  } catch (cause) {
    // A value that cannot be sent: the caller must hear all the same.
    const error = new CellError("ACTOR_REPLY_INVALID", "the reply cannot be sent", { cause });
    accepted.answered = true;
    if (!("error" in outcome)) respondError(accepted, error);
  }
}

function respondError({ delivery }: Accepted, error: CellError): void {
  try {
    delivery.respond({ kind: "error", error });
  } catch {
    // `respond` promises not to throw, and there is nobody left to tell.
  }
}

/** By the request's id. */
export class OpenRequests {
  /** Made with the first request: idle actors are many. */
  #byId: InFlightMap<string, Accepted> | undefined;

  get size(): number {
    return this.#byId?.size ?? 0;
  }

  get isFull(): boolean {
    return this.size >= MAX_OPEN_REQUESTS;
  }

  add(accepted: Accepted): void {
    this.#byId ??= new InFlightMap();
    this.#byId.set(accepted.delivery.intent.id, accepted);
  }

  find(id: string): Accepted | undefined {
    return this.#byId?.get(id);
  }

  /** Whether it was there. */
  remove(accepted: Accepted): boolean {
    const { id } = accepted.delivery.intent;
    return this.#byId?.get(id) === accepted && this.#byId.delete(id);
  }

  all(): Accepted[] {
    return this.#byId === undefined ? [] : [...this.#byId.values()];
  }
}
