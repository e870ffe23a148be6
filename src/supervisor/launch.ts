// Asking for a run of a child: what the first start, a restart and an operator share.
import { schedule, type Turn, update } from "./turn.ts";

/** An actor that takes longer to start has failed to. A supervisor's children have this each. */
export const START_TIMEOUT_MS = 30_000;

/** Asks for a new run of a child that is down. */
export function launch(turn: Turn, path: string): Turn {
  const run = turn.state.lastRun + 1;
  turn.state = { ...turn.state, lastRun: run };
  const change = { phase: "starting", run, restartAtUnixMs: undefined, stoppedBy: undefined } as const;
  const child = update(turn, path, { ...change, next: undefined });
  turn.effects.push({ type: "startChild", spec: child.spec, run, resume: child.resume });
  if (child.spec.kind === "actor") schedule(turn, "start", child, START_TIMEOUT_MS);
  return turn;
}
