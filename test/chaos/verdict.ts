// What the judge says at the end, and what of it speaks against the cell.

export type Verdict = {
  readonly sent: number;
  readonly answered: number;
  /** Answered, but not in the state; or accepted by one actor for another, and not arrived there. */
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
  /** Arrived in another order than they were sent in, from one actor to another. */
  readonly disordered: readonly string[];
  /** Actors that could not be judged, since they did not come back. */
  readonly silent: readonly string[];
  /** Not acknowledged by the deadline: neither lost nor kept. */
  readonly unanswered: number;
  readonly failed: Readonly<Record<string, number>>;
  /** Longest that an intent was under way until it was answered, ms. */
  readonly slowestMs: number;
  /** Numbers that one actor sent another, and that arrived. */
  readonly forwarded: number;
  /** Timers that fired. */
  readonly fired: number;
  /** Intents that were dead letters, and what they were told speaks against. */
  readonly letters: number;
  readonly letterFaults: readonly string[];
  /** Commits and journal records that were read, and those that were replaced before they could be. */
  readonly records: number;
  readonly unseen: number;
  readonly recordFaults: readonly string[];
  /** Lives that a commit shows, and starts that an event does. */
  readonly lives: number;
  readonly starts: number;
  readonly startFaults: readonly string[];
};

/** Faults of a kind that are named; more say no more. */
export const MAX_NAMED = 500;

/** What a judge of durable actors must have seen: a check that looked at nothing finds nothing. */
const SEEN = ["records", "lives", "starts", "forwarded", "fired"] as const;

export function faultsOf(verdict: Verdict, form: "durable" | "volatile"): readonly string[] {
  const { answered, lost, duplicated, disordered, silent, letterFaults, recordFaults, startFaults } = verdict;
  const blind = form === "durable" ? SEEN.filter((what) => verdict[what] === 0) : [];
  return [
    ...(answered === 0 ? ["nothing was answered"] : []),
    ...blind.map((what) => `the judge counted no ${what}`),
    ...lost.map((what) => `lost: ${what}`),
    ...duplicated.map((what) => `doubled: ${what}`),
    ...disordered.map((what) => `out of order: ${what}`),
    ...silent,
    ...letterFaults,
    ...recordFaults,
    ...startFaults,
  ];
}
