// How an incarnation departs: which intent killed it, whether that one's step is undone,
// and what is left to the next incarnation. Keeps the state before the intent that was
// begun last, for as long as nothing but that intent has happened since.
import type { ExitReason, Failure } from "./child.ts";
import type { Intake } from "./intake.ts";
import type { MachineMark } from "./machine-driver.ts";
import type { Accepted } from "./open-requests.ts";
import type { SuccessionPort } from "./succession.ts";

type Mark = { readonly intentId: string; readonly before: MachineMark };

export class Departure {
  readonly #port: SuccessionPort;
  #mark: Mark | undefined;
  #killer: Accepted | undefined;
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

  /** Decides over the intent in hand. One that killed too often is answered, and the failure is poison. */
  judge(failure: Failure, intake: Intake): Failure {
    const killer = failure.intent && intake.begun(failure.intent.id);
    if (killer === undefined) return failure;
    if (this.#mark?.intentId === failure.intent?.id) this.#undone = this.#mark;
    const verdict = this.#port.died(killer.delivery, failure);
    if (verdict.kind === "again") {
      this.#killer = killer;
      return failure;
    }
    intake.finish(killer, { error: verdict.answer });
    return { ...failure, class: "poison" };
  }

  /** Gives what is unanswered to the port. */
  leave(intake: Intake, reason: ExitReason): void {
    if (reason.kind !== "failed" && reason.kind !== "killed") return;
    const { open, waiting } = intake.handOver();
    const isAgain = (accepted: Accepted) => this.#undone !== undefined && accepted === this.#killer;
    const delivery = (accepted: Accepted) => accepted.delivery;
    const leftovers = {
      again: open.filter(isAgain).map(delivery),
      owed: open.filter((accepted) => !isAgain(accepted)).map(delivery),
      waiting: waiting.map(delivery),
    };
    this.#port.leave(leftovers, reason);
  }
}
