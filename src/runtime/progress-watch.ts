// Looks after the progress of all actors of this process with one timer: whoever has work
// in hand and takes no step is ended as hung, and its supervisor decides. A look that comes
// late says that the loop itself stood still: then nobody is blamed before the next one.
import type { Failure } from "../actors/child.ts";
import type { ActorClock } from "../actors/ports.ts";
import { stalledForMs } from "../actors/progress.ts";
import { CellError } from "../errors/cell-error.ts";
import { DEFAULT_PROGRESS_MS } from "../manifest/graph.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { RunningActor, RunningActors } from "./running-actors.ts";

/** A hang is noticed so much later than its bound, at most. */
export const PROGRESS_LOOK_MS = 500;
/** A look this late counts for nothing: queued intents had no turn either. */
const LATE_MS = 250;

export type ProgressWatchOptions = {
  readonly actors: Pick<RunningActors, "all">;
  readonly clock: ActorClock;
  readonly record: (event: EventInput) => void;
};

/** Returns what ends it. */
export function watchProgress({ actors, clock, record }: ProgressWatchOptions): () => void {
  let cancel = () => {};
  let dueMs = 0;
  const plan = (): void => {
    dueMs = clock.monotonicMs() + PROGRESS_LOOK_MS;
    cancel = clock.setTimer(PROGRESS_LOOK_MS, look);
  };
  const look = (): void => {
    const now = { monotonicMs: clock.monotonicMs(), unixMs: clock.unixMs() };
    if (now.monotonicMs - dueMs <= LATE_MS) {
      for (const running of actors.all()) {
        const progress = running.host.progress?.();
        const boundMs = running.spec.progressMs ?? DEFAULT_PROGRESS_MS;
        const stalledMs = progress && stalledForMs(progress, boundMs, now);
        if (stalledMs !== undefined) end(running, stalledMs, boundMs, record);
      }
    }
    plan();
  };
  plan();
  return () => cancel();
}

function end(
  { host }: RunningActor,
  stalledMs: number,
  boundMs: number,
  record: (event: EventInput) => void,
): void {
  const { path: actor, incarnation } = host;
  const { openRequests, mailboxDepth } = host.stats();
  record({
    actor,
    incarnation,
    kind: { case: "actorHung", value: { stalledMs, boundMs, openRequests, mailboxDepth } },
  });
  void host.fail(hangFailure(actor, stalledMs, boundMs));
}

function hangFailure(path: string, stalledMs: number, boundMs: number): Failure {
  const { code } = new CellError("ACTOR_NO_PROGRESS");
  const message = `no step for ${Math.round(stalledMs)} ms with work in hand; ${boundMs} ms are allowed`;
  return { class: "hang", name: code, message, origin: "async", rootActor: path };
}
