// What one incarnation leaves to the next: the intents that it took and did not answer.
// What was in hand at the failure is tried again, first of all; what is part of the state
// that is gone on from is still owed its answer; what waited goes on waiting. Who keeps
// them in between, and answers them when no next incarnation comes, is the port's.
import type { CellError } from "../errors/cell-error.ts";
import type { ExitReason, Failure } from "./child.ts";
import type { Delivery } from "./intent.ts";

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

export type SuccessionPort = {
  /** An intent was in hand at a failure of its actor. Must not throw. */
  died(delivery: Delivery, failure: Failure): Verdict;
  /** Takes over the answering of each. Must not throw. */
  leave(leftovers: Leftovers, reason: ExitReason): void;
};
