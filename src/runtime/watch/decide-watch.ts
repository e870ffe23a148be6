// Whether the main thread is stuck: a pure decision over what the watching thread
// sees at each look. A loop that has not turned is suspected, its stack is taken,
// and only when it still has not turned is it given up. A machine that is slow is
// no reason: neither one that let this thread wait, nor one that let the main
// thread wait for a processor.

/** A loop that does not turn for this long is suspected; honest ones were seen to take 390 ms. */
export const SUSPECT_MS = 200;
/** Without a turn for this long, and looked at twice, it is stuck. */
export const STUCK_MS = 450;
/** The same for a process that has just taken up work: its code is not compiled yet, and what waited comes at once. */
export const YOUNG_STUCK_MS = 1_000;
/** Taking the stack holds the loop up itself: from then on it gets this long. */
export const AFTER_STACK_MS = 200;
/**
 * One that runs and does not say where is in the engine's own code, as when it collects the garbage
 * of a gigabyte: no code of an actor's can be told from that, but it gets this long.
 */
export const UNANSWERED_MS = 5_000;
/** One that wants to run and gets no processor is waited for until it had this much of it. */
export const STARVED_CPU_MS = 1_000;
/** And no longer than this. */
export const STARVED_MS = 10_000;
/** What the kernel says is long may take this; then it counts like any other. */
export const LONG_MS = 15_000;
/** Part of the time that a loop which is not starved has run. */
const RUNNING_SHARE = 0.6;
/** A look that comes later than this after the one before says nothing about the others. */
const LATE_LOOK_MS = 150;

export type Look = {
  readonly nowMs: number;
  readonly beats: number;
  /** Processor time of the main thread; undefined where the system does not say. */
  readonly cpuMs: number | undefined;
  /** Whether it runs or waits for a processor; false: it sleeps. */
  readonly runnable: boolean;
  /** Whether the process took up work just now. */
  readonly young: boolean;
  /** Names the long piece of the kernel's own work that is under way. */
  readonly long: number | undefined;
};

export type WatchState = {
  readonly beats: number;
  /** Since when it has not turned, as far as one may say. */
  readonly sinceMs: number;
  readonly cpuMs: number | undefined;
  readonly lookedAtMs: number;
  readonly suspected: boolean;
  readonly long: { readonly name: number; readonly sinceMs: number } | undefined;
};

export type WatchDecision = {
  readonly state: WatchState;
  readonly effect: "none" | "takeStack" | "condemn";
};

export const firstLook = ({ nowMs, beats, cpuMs, long }: Look): WatchState => ({
  beats,
  sinceMs: nowMs,
  cpuMs,
  lookedAtMs: nowMs,
  suspected: false,
  long: long === undefined ? undefined : { name: long, sinceMs: nowMs },
});

/** The same look again: what has been under way stays as old as it is. */
const lookAgain = (state: WatchState, look: Look): WatchState => {
  const isSame = state.long !== undefined && state.long.name === look.long;
  return { ...firstLook(look), ...(isSame ? { long: state.long } : {}) };
};

/**
 * @param stackTakenMs when the stack that was asked for was there, or was given up
 * @param isAnswered whether it was there
 */
export function decideWatch(
  state: WatchState,
  look: Look,
  stackTakenMs: number | undefined,
  isAnswered = true,
): WatchDecision {
  const late = look.nowMs - state.lookedAtMs > LATE_LOOK_MS;
  const { long } = lookAgain(state, look);
  const isLong = long !== undefined && look.nowMs - long.sinceMs < LONG_MS;
  if (look.beats !== state.beats || late || isLong) return { state: lookAgain(state, look), effect: "none" };
  const next = { ...state, lookedAtMs: look.nowMs };
  const stillMs = look.nowMs - state.sinceMs;
  if (!state.suspected) {
    if (stillMs < SUSPECT_MS) return { state: next, effect: "none" };
    return { state: { ...next, suspected: true }, effect: "takeStack" };
  }
  const lookedTwice = stackTakenMs !== undefined && look.nowMs - stackTakenMs >= AFTER_STACK_MS;
  const isEngine = !isAnswered && look.runnable;
  const isStill = stillMs >= (isEngine ? UNANSWERED_MS : look.young ? YOUNG_STUCK_MS : STUCK_MS);
  const stuck = lookedTwice && isStill && !(stillMs < STARVED_MS && isStarved(state, look));
  return { state: next, effect: stuck ? "condemn" : "none" };
}

/** Whether it wants to run and gets no processor: it had neither its share of the time nor enough of it by itself. */
export function isStarved(state: WatchState, look: Look): boolean {
  if (!look.runnable || look.cpuMs === undefined || state.cpuMs === undefined) return false;
  const hadMs = look.cpuMs - state.cpuMs;
  return hadMs < STARVED_CPU_MS && hadMs < (look.nowMs - state.sinceMs) * RUNNING_SHARE;
}
