// When an intent that nobody answered is sent again, under the same id: a pure
// policy. The cell answers an id once, so that a client whose deadline is longer
// than a recovery never notices one.
import type { CellError } from "../../errors/cell-error.ts";
import type { ErrorCode } from "../../errors/registry.ts";

/** First wait for an answer; doubles with each time that it is sent again, up to its bound. */
const FIRST_WAIT_MS = 100;
/** Shorter than a death that takes long to be noticed: what a dying process swallowed comes to the next one. */
const MAX_WAIT_MS = 3_200;
/** First wait after a refusal of a cell that is coming back; doubles to its bound. */
const FIRST_RETURNING_WAIT_MS = 20;
const MAX_RETURNING_WAIT_MS = 250;
/** The wait after another refusal that advises to come again begins with what it says, and doubles up to here. */
const MAX_REFUSED_WAIT_MS = 3_200;
/** The same when nobody listened: knocking.ts tells before that somebody does again. */
const UNHEARD_WAIT_MS = 500;
/** After 30 s a node refuses a capsule as stale, also one that it has in hand: no sending again up to there. */
const MAX_AGE_MS = 25_000;
/** A node repeats an answer 16 times at most. */
const MAX_RESENT = 12;
/** What is down by somebody's hand does not come back by waiting. */
const ACTOR_GRACE_MS = 1_000;

/** Refusals of a cell that is coming back: the intent was not begun. */
const RETURNING: readonly string[] = [
  "CAPABILITY_REVOCATIONS_UNHEARD",
  "CELL_NOT_ACCEPTING",
  "CELL_STOPPING",
];

export type Attempts = {
  /** Milliseconds since the intent was made. */
  readonly ageMs: number;
  /** Times that it was sent again without a word. */
  readonly unanswered: number;
  /** Times that it was refused. */
  readonly refused: number;
};

/** Milliseconds until an intent without an answer is sent again; undefined: it is not. */
export function waitForAnswerMs({ ageMs, unanswered }: Attempts, random: number): number | undefined {
  const waitMs = spread(Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(unanswered, 16)), random);
  return unanswered < MAX_RESENT && ageMs + waitMs <= MAX_AGE_MS ? waitMs : undefined;
}

/** Milliseconds until a refused intent is sent again; undefined: the refusal is the answer. */
export function waitAfterRefusalMs(
  error: CellError,
  { ageMs, refused }: Attempts,
  random: number,
): number | undefined {
  const times = Math.min(refused, 16);
  const waitMs = returningWaitMs(error.code, ageMs, times, random) ?? advisedWaitMs(error, times, random);
  return waitMs !== undefined && ageMs + waitMs <= MAX_AGE_MS ? waitMs : undefined;
}

/** Of a cell, or an actor, that is coming back. */
function returningWaitMs(
  code: ErrorCode,
  ageMs: number,
  refused: number,
  random: number,
): number | undefined {
  if (code === "BROKER_NO_RESPONDERS") return spread(UNHEARD_WAIT_MS, random);
  if (!RETURNING.includes(code) && !(code === "ACTOR_NOT_RUNNING" && ageMs < ACTOR_GRACE_MS))
    return undefined;
  return spread(Math.min(MAX_RETURNING_WAIT_MS, FIRST_RETURNING_WAIT_MS * 2 ** refused), random);
}

/** Never sooner than the refusal says; what is beyond that is drawn, from more and more. */
function advisedWaitMs(
  { retry, retryAfterMs = FIRST_WAIT_MS }: CellError,
  refused: number,
  random: number,
): number | undefined {
  if (retry !== "backoff") return undefined;
  return retryAfterMs + random * Math.min(MAX_REFUSED_WAIT_MS, retryAfterMs * 2 ** refused);
}

/** Whether an intent may go again at once, for a reason of its own. */
export const mayBeResent = ({ ageMs, unanswered }: Attempts): boolean =>
  ageMs <= MAX_AGE_MS && unanswered < MAX_RESENT;

/** Three quarters to five quarters, so that clients do not come in step. */
const spread = (ms: number, random: number): number => ms * (0.75 + random / 2);
