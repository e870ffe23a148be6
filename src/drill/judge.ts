// The judge of one trial: compares what the client was told with what the actor keeps.
// Pure, and hostile: what cannot be explained counts against the cell.
import type { Sent } from "./load.ts";

/**
 * What must be left of an actor's state after the failure.
 * - `everything`: a durable actor. Every intent that was answered is applied exactly once.
 * - `snapshot`: a volatile actor whose process went on. Likewise; its last good snapshot is
 *   the state before the intent that failed.
 * - `rollback`: a volatile actor whose own worker or process died. It may go back to an
 *   earlier snapshot: intents of earlier lives may be missing, which is counted, not held against it.
 * - `process`: the same, where nobody knows whether its node died: what another process
 *   answered may be missing, what this one answered may not.
 * - `nothing`: a volatile actor whose node died. It starts fresh: only what its present
 *   life answered must be there.
 */
export type Keeps = "everything" | "snapshot" | "rollback" | "process" | "nothing";

/** What the actor says of itself once the load has ended. */
export type Ledger = {
  readonly life: string;
  /** Runs of numbers in the order applied, both ends included. */
  readonly applied: readonly (readonly [number, number])[];
};

export type Judgement = {
  /** Answered, but not in the state. */
  readonly lost: readonly number[];
  /** Never answered, where an answer is promised. */
  readonly unanswered: readonly number[];
  /** In the state more than once, or though the client was told that it was not begun. */
  readonly duplicated: readonly number[];
  /** Answered by an earlier life, gone with its state, and allowed to be. */
  readonly rolledBack: number;
  /** How the intents that were not answered ended, by code. */
  readonly failed: Readonly<Record<string, number>>;
};

/** Codes by which the cell says that an intent was not begun, so that it may be sent again. */
const NOT_BEGUN: ReadonlySet<string> = new Set([
  "ACTOR_NOT_RUNNING",
  "ACTOR_NOT_FOUND",
  "ACTOR_MAILBOX_FULL",
  "ACTOR_INTENT_DROPPED",
  "ACTOR_PARKED",
  "CELL_NOT_ACCEPTING",
  "BROKER_NO_RESPONDERS",
]);
/** Codes by which nobody says anything: the client gave up waiting. */
const UNANSWERED: ReadonlySet<string> = new Set(["ACTOR_DEADLINE_EXCEEDED", "BROKER_UNREACHABLE"]);

/** @param sent everything sent since the ledger was last emptied, all of it ended */
export function judge(sent: readonly Sent[], ledger: Ledger, keeps: Keeps): Judgement {
  const times = countOf(ledger);
  const lost: number[] = [];
  const unanswered: number[] = [];
  const duplicated: number[] = [];
  const failed: Record<string, number> = {};
  let rolledBack = 0;
  const known = new Set<number>();
  for (const { n, outcome } of sent) {
    known.add(n);
    const applied = times.get(n) ?? 0;
    if (applied > 1) duplicated.push(n);
    if (outcome.kind === "pending") unanswered.push(n);
    if (outcome.kind === "answered" && applied === 0) {
      if (mayForget(keeps, outcome.life, ledger.life)) rolledBack += 1;
      else lost.push(n);
    }
    if (outcome.kind === "failed") {
      failed[outcome.code] = (failed[outcome.code] ?? 0) + 1;
      if (applied === 1 && NOT_BEGUN.has(outcome.code)) duplicated.push(n);
      if (UNANSWERED.has(outcome.code) && mustAnswer(keeps)) unanswered.push(n);
    }
  }
  // What nobody sent since, the actor has from before its ledger was emptied.
  for (const n of times.keys()) {
    if (known.has(n)) continue;
    if (keeps === "rollback") rolledBack += 1;
    else duplicated.push(n);
  }
  return { lost, unanswered, duplicated, rolledBack, failed };
}

const mayForget = (keeps: Keeps, answeredBy: string, present: string): boolean =>
  keeps === "process"
    ? processOf(answeredBy) !== processOf(present)
    : (keeps === "rollback" || keeps === "nothing") && answeredBy !== present;

/** A life begins with the number of its process. */
const processOf = (life: string): string => life.split(".")[0] ?? "";

/** Where the actor's process or its journal goes on, each request ends with an answer. */
const mustAnswer = (keeps: Keeps): boolean => keeps === "everything" || keeps === "snapshot";

function countOf({ applied }: Ledger): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  for (const [first, last] of applied) {
    for (let n = first; n <= last; n += 1) times.set(n, (times.get(n) ?? 0) + 1);
  }
  return times;
}
