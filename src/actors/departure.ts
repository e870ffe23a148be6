// How an incarnation departs: which intent killed it, whether that one's step is undone,
// and what is left to the next incarnation. Keeps the state before the intent that was
// begun last, for as long as nothing but that intent has happened since.
import type { ExitReason, Failure } from "./child.ts";
import type { Intake } from "./intake.ts";
import type { MachineMark } from "./machine-driver.ts";
import type { Accepted } from "./open-requests.ts";
import { judge, leave, type SuccessionPort } from "./succession.ts";

type Mark = { readonly intentId: string; readonly before: MachineMark };

export class Departure {
  readonly #port: SuccessionPort;
  #mark: Mark | undefined;
  #again: Accepted | undefined;
  #undone: Mark | undefined;

  constructor(port: SuccessionPort) {
    this.#port = port;
  }

  /** What is to be persisted in place of the present: the step of the intent in hand is undone. */
  get undone(): Mark | undefined {
    return this.#undone;
  }

  begins(intentId: string, before: MachineMark): void {
    this.#mark = { intentId, before };
  }

  /** An event is taken in the name of an intent, or of none. What another has changed is not undone. */
  takes(intentId: string | undefined): void {
    if (intentId !== this.#mark?.intentId) this.#mark = undefined;
  }

  /** What was answered is not undone. */
  answered(intentId: string): void {
    if (intentId === this.#mark?.intentId) this.#mark = undefined;
  }

  /** Decides over the intent in hand, and whether its step is undone. */
  judge(failure: Failure, intake: Intake): Failure {
    if (failure.intent !== undefined && this.#mark?.intentId === failure.intent.id) this.#undone = this.#mark;
    const judged = judge(failure, intake, this.#port);
    this.#again = this.#undone === undefined ? undefined : judged.again;
    return judged.failure;
  }

  /** Gives what is unanswered to the port. */
  leave(intake: Intake, reason: ExitReason): void {
    leave(intake, this.#port, reason, this.#again);
  }
}
