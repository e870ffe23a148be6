// What one incarnation leaves to the next: the intents that it took and did not answer.
// What was in hand at the failure is tried again, first of all; what is part of the state
// that is gone on from is still owed its answer; what waited goes on waiting. Who keeps
// them in between, and answers them when no next incarnation comes, is the port's.
import type { CellError } from "../errors/cell-error.ts";
import type { ExitReason, Failure } from "./child.ts";
import type { Intake } from "./intake.ts";
import type { Delivery, IntentRef, ReceivedIntent } from "./intent.ts";
import type { Accepted } from "./open-requests.ts";

export type Leftovers = {
  /** To be begun again, in order, before anything else: the state is the one before them. */
  readonly again: readonly Delivery[];
  /** Begun, and the state knows of them. Without that state they cannot be answered any more. */
  readonly owed: readonly Delivery[];
  /** Not begun. */
  readonly waiting: readonly Delivery[];
};

export type Verdict =
  | { readonly kind: "again" }
  /** It has killed as often as it may: it is set aside, and this is its answer. */
  | { readonly kind: "poison"; readonly answer: CellError };

/** Who killed; the deadline of one that was answered is not known any more. */
export type Killer = IntentRef & Partial<Pick<ReceivedIntent, "deadlineUnixMs">>;

export type SuccessionPort = {
  /** An intent was in hand at a failure of its actor. Must not throw. */
  died(delivery: Delivery, failure: Failure): Verdict;
  /**
   * The same for an intent that comes again from a journal, and for one that was answered, but
   * what it began goes on: nothing is set aside. Must not throw.
   */
  counted(intent: Killer, failure: Failure): "again" | "poison";
  /** Whether what is counted under this has killed too often. Must not throw. */
  isPoison(killer: Killer): boolean;
  /** The answer to an intent that has killed too often already; it is set aside now. Must not throw. */
  refuses(delivery: Delivery): CellError | undefined;
  /** Takes over the answering of each. Must not throw. */
  leave(leftovers: Leftovers, reason: ExitReason): void;
};

/** What was decided over the intent that was in hand at a failure. */
export type Judged = {
  /** Of class `poison` when the intent has killed too often; its sender has heard so. */
  readonly failure: Failure;
  /** What is to be tried again; undefined: nothing is. */
  readonly again: Accepted | undefined;
};

export function judge(failure: Failure, intake: Intake, port: SuccessionPort): Judged {
  const killer = failure.intent && intake.find(failure.intent.id);
  if (killer === undefined) return { failure: countedFor(failure, failure.intent, port), again: undefined };
  const verdict = port.died(killer.delivery, failure);
  if (verdict.kind === "again") return { failure, again: killer };
  intake.finish(killer, { error: verdict.answer });
  return { failure: { ...failure, class: "poison" }, again: undefined };
}

/**
 * The failure, once it is counted for what led to it: poison, when that has killed too often.
 * @param killer an intent, also one that is answered of which something it began has failed; what stands for an
 *   event that a commit had kept, see heldKiller; undefined: nothing did
 */
export function countedFor(
  failure: Failure,
  killer: Killer | undefined,
  port: SuccessionPort | undefined,
): Failure {
  const verdict = killer && port?.counted(killer, failure);
  return verdict === "poison" ? { ...failure, class: "poison" } : failure;
}

/**
 * Gives what is unanswered to the port. @param again begun, and its step is undone
 * @param unbegun handed on, but never begun
 */
export function leave(
  intake: Intake,
  port: SuccessionPort,
  reason: ExitReason,
  again: Accepted | undefined,
  unbegun: ReadonlySet<Accepted> = new Set(),
): void {
  if (reason.kind !== "failed" && reason.kind !== "killed") return;
  const { open, waiting } = intake.handOver();
  const rest = open.filter((accepted) => accepted !== again);
  const delivery = (accepted: Accepted) => accepted.delivery;
  const leftovers = {
    again: again !== undefined && open.includes(again) ? [again.delivery] : [],
    owed: rest.filter((accepted) => !unbegun.has(accepted)).map(delivery),
    waiting: [...rest.filter((accepted) => unbegun.has(accepted)), ...waiting].map(delivery),
  };
  port.leave(leftovers, reason);
}
