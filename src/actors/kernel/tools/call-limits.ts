// How many calls an actor may have in hand, and how often it may begin one: a
// token bucket an actor, filled at `perMinute`, of a tenth of a minute's calls.
// Pure but for its own table.
import { CellError } from "../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../errors/result.ts";
import type { ToolsSpec } from "../../../manifest/tools.ts";

type State = { inHand: number; tokens: number; filledAtMs: number };

const MINUTE_MS = 60_000;
/** A burst: a tenth of what a minute allows, at least one. */
const BURST_PART = 10;
/** Idle actors are forgotten beyond this; an actor that is forgotten begins with a full bucket. */
const MAX_KNOWN = 10_000;

export class CallLimits {
  readonly #states = new Map<string, State>();

  /** After `ok` the call is in hand until the function is called. TOOL_BUSY, TOOL_RATE_LIMITED. */
  begin(
    actor: string,
    { concurrent, perMinute }: Pick<ToolsSpec, "concurrent" | "perMinute">,
    nowMs: number,
  ): Result<() => void, CellError> {
    const burst = Math.max(1, perMinute / BURST_PART);
    const state = this.#states.get(actor) ?? { inHand: 0, tokens: burst, filledAtMs: nowMs };
    const earned = ((nowMs - state.filledAtMs) * perMinute) / MINUTE_MS;
    state.tokens = Math.min(burst, state.tokens + Math.max(0, earned));
    state.filledAtMs = nowMs;
    this.#keep(actor, state);
    if (state.inHand >= concurrent) {
      return err(new CellError("TOOL_BUSY", `${concurrent} calls are in hand`, { where: actor }));
    }
    if (state.tokens < 1) {
      const retryAfterMs = Math.ceil(((1 - state.tokens) * MINUTE_MS) / perMinute);
      const what = `more than ${perMinute} calls a minute`;
      return err(new CellError("TOOL_RATE_LIMITED", what, { where: actor, retryAfterMs }));
    }
    state.tokens -= 1;
    state.inHand += 1;
    let ended = false;
    return ok(() => {
      if (!ended) state.inHand -= 1;
      ended = true;
    });
  }

  #keep(actor: string, state: State): void {
    // Moved to the end, so that the longest idle stand first.
    this.#states.delete(actor);
    this.#states.set(actor, state);
    if (this.#states.size <= MAX_KNOWN) return;
    for (const [oldest, { inHand }] of this.#states) {
      if (inHand > 0) continue;
      this.#states.delete(oldest);
      return;
    }
  }
}
