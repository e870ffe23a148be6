// What a supervisor sees of whatever it supervises: a handle that can be stopped
// and that says once why it ended.
import type { IntentRef } from "./intent.ts";

export type FailureClass =
  | "crash"
  | "hang"
  | "poison"
  | "exhaustion"
  | "drift"
  | "corruption"
  | "loss"
  | "treachery";

export type Incarnation = { readonly term: number; readonly activation: number };

export type Failure = {
  readonly class: FailureClass;
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Where it was thrown. */
  readonly origin: "start" | "transition" | "invoke" | "async" | "kernel";
  /** Type of the XState event that was being handled. */
  readonly event?: string;
  /** The intent in hand. */
  readonly intent?: IntentRef;
  /** The key of an event in hand that a commit had kept. */
  readonly heldEvent?: string;
  /** Path of the actor that failed first; kept as it is when supervisors escalate. */
  readonly rootActor: string;
};

/** Erlang's exit reasons: normal and shutdown are not failures. */
export type ExitReason =
  | { readonly kind: "normal" }
  | { readonly kind: "shutdown" }
  | { readonly kind: "killed" }
  | { readonly kind: "failed"; readonly failure: Failure };

export interface Child {
  readonly path: string;
  readonly incarnation: Incarnation;
  /** Resolves once, never rejects. */
  readonly exited: Promise<ExitReason>;
  /** Lets the work in hand finish for at most `graceMs`, then kills. Idempotent. */
  stop(graceMs: number): Promise<ExitReason>;
  kill(): Promise<ExitReason>;
}
