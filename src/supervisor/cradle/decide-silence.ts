// Whether a process of which nothing is heard is to be killed: a pure decision. A process
// that was stopped is, soon; one that is only slow gets more time; and when the
// cradle itself was late, everybody was, and all are looked at once more.

/** A process of which nothing was heard for this long is looked at. */
export const SILENT_MS = 200;
/** After this long it is killed, whatever its state, unless it is given longer. */
export const DEAF_MS = 3_000;
/** A look that comes later than this after the one before says nothing about others. */
const LATE_LOOK_MS = 150;

export type SilenceLook = {
  readonly nowMs: number;
  /** Until when it is known to have gone on: its last beat, or the first question that it has not answered. */
  readonly heardMs: number;
  /** After this long it is killed, whatever its state. */
  readonly deafMs: number;
  /** Whether the system says that it was stopped by a signal or a tracer; undefined: it does not say. */
  readonly stopped: () => boolean | undefined;
};

export type SilenceState = {
  readonly lookedAtMs: number;
  /** Silence counts from here on, when that is later than what was heard. */
  readonly excusedMs: number;
};

export function decideSilence(
  state: SilenceState,
  look: SilenceLook,
): { readonly state: SilenceState; readonly kill?: string } {
  const { nowMs } = look;
  if (nowMs - state.lookedAtMs > LATE_LOOK_MS) return { state: { lookedAtMs: nowMs, excusedMs: nowMs } };
  const next = { ...state, lookedAtMs: nowMs };
  const silentMs = Math.round(nowMs - Math.max(look.heardMs, state.excusedMs));
  if (silentMs < SILENT_MS) return { state: next };
  if (look.stopped() === true) return { state: next, kill: `stopped by a signal, silent for ${silentMs} ms` };
  return silentMs < look.deafMs ? { state: next } : { state: next, kill: `silent for ${silentMs} ms` };
}
